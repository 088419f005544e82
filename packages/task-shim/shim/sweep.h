#pragma once

#include <string>

/**
 * Ends all that is left of a task whose shim was killed: the processes that carry `BERTH_TASK_ID=<task>` in their
 * environment, which every process of a task inherits, and all below them. Returns how many there were.
 */
int sweep(const std::string &task);
