#pragma once

#include <sys/types.h>

/** Whether somebody holds the lock of this file. Takes nothing away from anybody and never makes the file. */
bool is_locked(const char *path);

/** Sends a signal to the process that holds a lock; false where that process doesn't hold it (any more). */
bool signal_lock_holder(const char *path, pid_t pid, int signal);
