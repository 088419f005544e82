#pragma once

#include <napi.h>

/**
 * waitForLock(path, done): calls `done(error | null, fd)` once the lock is ours. Returns a function that gives up: what
 * the thread gets later is let go at once.
 */
Napi::Value wait_for_lock(const Napi::CallbackInfo &info);

/** Opens a lock file, close-on-exec, made where it is missing. -1 and errno on failure. */
int open_lock_file(const char *path);
