#pragma once

#include <napi.h>

/** peerCredentials(fd): { pid, uid, gid } of who has connected to a unix socket, as the kernel noted it then (unix(7)). */
Napi::Value peer_credentials(const Napi::CallbackInfo &info);

/** accountOf(uid or name): { name, uid, gid, home, shell, groups } of an account of this host, or null. */
Napi::Value account_of(const Napi::CallbackInfo &info);
