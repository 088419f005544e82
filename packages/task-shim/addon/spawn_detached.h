#pragma once

#include <napi.h>

/**
 * spawnDetached(file, argv, environment, cwd | null, [[from, to], ...]): starts a process in a session of its own that
 * is no child of ours, and returns its pid, or throws an Error whose `code` is the errno's name.
 */
Napi::Value spawn_detached(const Napi::CallbackInfo &info);
