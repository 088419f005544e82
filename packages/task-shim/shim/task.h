#pragma once

#include "options.h"

/**
 * Runs the task from its start record to its exit record and returns when no process of it is left.
 * The caller holds the task's lock, and lets it go by ending.
 */
int run_task(const Options &options);
