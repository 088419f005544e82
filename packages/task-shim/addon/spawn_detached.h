#pragma once

#include <napi.h>

/**
 * spawnDetached(file, argv, environment, cwd | null, [[from, to], ...], asChild): starts a process in a session of its
 * own, and returns its pid, or throws an Error whose `code` is the errno's name. It is a child of ours only `asChild`.
 */
Napi::Value spawn_detached(const Napi::CallbackInfo &info);

/**
 * endingOf(pid): null while a child of ours runs; else `{exitCode, signal}`, of which the one that it didn't end by is
 * null, and both are where it is no child of ours.
 */
Napi::Value ending_of(const Napi::CallbackInfo &info);
