/*
 * Contexts of the simulated CUDA (CUDA Driver API, "Context Management", "Primary Context Management"). Each takes some memory
 * of its device, as a real one does before anything is allocated in it.
 */
#include "cuda_contexts.h"

#include <algorithm>
#include <list>
#include <map>

std::mutex contexts_mutex;

namespace {

/** About what a context takes on a large GPU for its stacks and kernels; an eighth of a small one at most. */
constexpr uint64_t kContextBytes = 400ull << 20;

struct Primary {
  CUcontext context = nullptr;
  unsigned retained = 0;
};

/** All that there ever were. */
std::list<Context> contexts;
std::map<CUdevice, Primary> primaries;
thread_local std::vector<CUcontext> current;

CUresult check(CUdevice device) {
  if (!cuda_state()) return kNotInitialized;
  return cuda_device(device) ? kSuccess : kInvalidDevice;
}

bool is_known(CUcontext context) {
  return std::any_of(contexts.begin(), contexts.end(), [&](const Context &each) { return &each == context; });
}

int64_t context_bytes(CUdevice device) {
  return static_cast<int64_t>(std::min(kContextBytes, cuda_device(device)->memory_bytes / 8));
}

CUresult bring_to_life(Context &context) {
  if (context.alive) return kSuccess;
  if (!take_memory(context.device, context_bytes(context.device))) return kOutOfMemory;
  context.alive = true;
  return kSuccess;
}

void end(Context &context) {
  if (!context.alive) return;
  free_memory_of(&context);
  take_memory(context.device, -context_bytes(context.device));
  context.alive = false;
}

}  // namespace

CUresult current_context(CUcontext &context) {
  if (!cuda_state()) return kNotInitialized;
  if (current.empty()) return kInvalidContext;
  context = current.back();
  return context->alive ? kSuccess : kContextIsDestroyed;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  if (const CUresult result = check(device)) return result;
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  Primary &primary = primaries[device];
  if (!primary.context) primary.context = &contexts.emplace_back(Context{device, true, false});
  if (const CUresult result = bring_to_life(*primary.context)) return result;
  ++primary.retained;
  *context = primary.context;
  return kSuccess;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  if (const CUresult result = check(device)) return result;
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  Primary &primary = primaries[device];
  if (primary.retained == 0) return kInvalidContext;
  if (--primary.retained == 0) end(*primary.context);
  return kSuccess;
}

EXPORT CUresult cuDevicePrimaryCtxRelease(CUdevice device) { return cuDevicePrimaryCtxRelease_v2(device); }

/** What was retained has to be released all the same: the next one to retain it brings it to life. */
EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  if (const CUresult result = check(device)) return result;
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  if (const CUcontext context = primaries[device].context) end(*context);
  return kSuccess;
}

EXPORT CUresult cuDevicePrimaryCtxReset(CUdevice device) { return cuDevicePrimaryCtxReset_v2(device); }

EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
  if (const CUresult result = check(device)) return result;
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  const CUcontext context = primaries[device].context;
  *flags = 0;
  *active = context && context->alive;
  return kSuccess;
}

EXPORT CUresult cuCtxCreate_v2(CUcontext *context, unsigned, CUdevice device) {
  if (const CUresult result = check(device)) return result;
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  Context &made = contexts.emplace_back(Context{device, false, false});
  if (const CUresult result = bring_to_life(made)) {
    contexts.pop_back();
    return result;
  }
  *context = &made;
  current.push_back(&made);
  return kSuccess;
}

EXPORT CUresult cuCtxDestroy_v2(CUcontext context) {
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  if (!is_known(context) || context->primary) return kInvalidContext;
  if (!context->alive) return kContextIsDestroyed;
  if (!current.empty() && current.back() == context) current.pop_back();
  end(*context);
  return kSuccess;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  if (context && !is_known(context)) return kInvalidContext;
  if (!current.empty()) current.pop_back();
  if (context) current.push_back(context);
  return kSuccess;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *context) {
  *context = current.empty() ? nullptr : current.back();
  return kSuccess;
}

EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) {
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  if (!is_known(context)) return kInvalidContext;
  current.push_back(context);
  return kSuccess;
}

EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  if (current.empty()) return kInvalidContext;
  if (context) *context = current.back();
  current.pop_back();
  return kSuccess;
}

EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  CUcontext context = nullptr;
  const CUresult result = current_context(context);
  if (result == kSuccess) *device = context->device;
  return result;
}

EXPORT CUresult cuCtxSynchronize() {
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  CUcontext context = nullptr;
  return current_context(context);
}
