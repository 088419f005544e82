#pragma once

#include <sys/types.h>

#include "../shim/order.h"

/** Whether somebody holds the lock of this file. Takes nothing away from anybody and never makes the file. */
bool is_locked(const char *path);

/** Sends a signal to the process that holds a lock; false where that process doesn't hold it (any more). */
bool signal_lock_holder(const char *path, pid_t pid, int signal);

/** Gives an order to the shim that holds a lock; false as above. */
bool order_lock_holder(const char *path, pid_t pid, const Order &order);
