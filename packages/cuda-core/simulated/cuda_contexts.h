#pragma once

#include <mutex>

#include "cuda_state.h"

using CUdeviceptr = unsigned long long;

/** Of one device; the primary one is retained and released, others are created and destroyed. */
struct Context {
  CUdevice device;
  bool primary;
  /** What was destroyed or reset stays known, so that whoever goes on using it is told so. */
  bool alive;
};
using CUcontext = Context *;

/** Over all contexts and all memory of this process. */
extern std::mutex contexts_mutex;

/** The context that this thread works in, if it may. Under the mutex. */
CUresult current_context(CUcontext &context);

/** Takes memory on a device, or gives it back (less than zero), in the state. @returns whether there was enough of it */
bool take_memory(CUdevice device, int64_t bytes);

/** Gives back what was allocated in a context that ends. */
void free_memory_of(CUcontext context);
