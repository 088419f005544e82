/*
 * Contexts and memory of the simulated CUDA (CUDA Driver API, "Context Management", "Primary Context Management", "Memory
 * Management"). What a process takes is written into the state as its own; nothing is behind the addresses.
 */
#include <map>
#include <mutex>
#include <unistd.h>

#include "cuda_state.h"
#include "processes.h"

using CUcontext = struct Context *;
using CUdeviceptr = unsigned long long;

/** Of one device; the primary one is retained and released, others are created and destroyed. */
struct Context {
  CUdevice device;
};

namespace {

/** About what a context takes on a large GPU for its stacks and kernels; an eighth of a small one at most. */
constexpr uint64_t kContextBytes = 400ull << 20;

struct Allocation {
  CUdevice device;
  uint64_t bytes;
};

/** Over all that follows. */
std::mutex mutex;
std::map<CUdeviceptr, Allocation> allocations;
/** Primary contexts with how often they are retained. */
std::map<CUdevice, std::pair<Context *, unsigned>> primary;
/** How many contexts there are of each device, and what all of this process takes there. */
std::map<CUdevice, unsigned> contexts;
std::map<CUdevice, uint64_t> taken;
CUdeviceptr next_address = 0x7f0000000000;
thread_local std::vector<Context *> current;

/** Takes or gives back memory on a device, in the state. @returns whether there was enough of it */
bool take(CUdevice ordinal, int64_t bytes) {
  SimulatedDevice &device = *cuda_device(ordinal);
  if (bytes > 0 && used_bytes(device) + static_cast<uint64_t>(bytes) > device.memory_bytes) return false;
  const uint64_t total = taken[ordinal] + static_cast<uint64_t>(bytes);
  const auto pid = static_cast<uint32_t>(getpid());
  if (!set_process(device, pid, total, start_ticks_of(pid))) return false;
  taken[ordinal] = total;
  return true;
}

int64_t context_bytes(CUdevice ordinal) {
  return static_cast<int64_t>(std::min(kContextBytes, cuda_device(ordinal)->memory_bytes / 8));
}

/** The first context of a device takes memory; the last one gives back all that was taken. */
CUresult open_context(CUdevice device) {
  if (contexts[device] == 0 && !take(device, context_bytes(device))) return kOutOfMemory;
  ++contexts[device];
  return kSuccess;
}

void close_context(CUdevice device) {
  if (--contexts[device] > 0) return;
  for (auto at = allocations.begin(); at != allocations.end();) {
    at = at->second.device == device ? allocations.erase(at) : std::next(at);
  }
  take(device, -static_cast<int64_t>(taken[device]));
}

CUresult check(CUdevice device) {
  if (!cuda_state()) return kNotInitialized;
  return cuda_device(device) ? kSuccess : kInvalidDevice;
}

}  // namespace

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  if (const CUresult result = check(device)) return result;
  const std::lock_guard<std::mutex> lock(mutex);
  auto &[made, retained] = primary[device];
  if (!made || retained == 0) {
    if (const CUresult result = open_context(device)) return result;
    if (!made) made = new Context{device};
  }
  ++retained;
  *context = made;
  return kSuccess;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = primary.find(device);
  if (found == primary.end() || found->second.second == 0) return kInvalidContext;
  if (--found->second.second == 0) close_context(device);
  return kSuccess;
}

EXPORT CUresult cuDevicePrimaryCtxRelease(CUdevice device) { return cuDevicePrimaryCtxRelease_v2(device); }

EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
  if (const CUresult result = check(device)) return result;
  const std::lock_guard<std::mutex> lock(mutex);
  *flags = 0;
  *active = primary[device].second > 0;
  return kSuccess;
}

EXPORT CUresult cuCtxCreate_v2(CUcontext *context, unsigned, CUdevice device) {
  if (const CUresult result = check(device)) return result;
  const std::lock_guard<std::mutex> lock(mutex);
  if (const CUresult result = open_context(device)) return result;
  *context = new Context{device};
  current.push_back(*context);
  return kSuccess;
}

EXPORT CUresult cuCtxDestroy_v2(CUcontext context) {
  if (!context) return kInvalidContext;
  const std::lock_guard<std::mutex> lock(mutex);
  if (!current.empty() && current.back() == context) current.pop_back();
  close_context(context->device);
  delete context;
  return kSuccess;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  if (!current.empty()) current.pop_back();
  if (context) current.push_back(context);
  return kSuccess;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *context) {
  *context = current.empty() ? nullptr : current.back();
  return kSuccess;
}

EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) {
  if (!context) return kInvalidContext;
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
  if (current.empty()) return kInvalidContext;
  *device = current.back()->device;
  return kSuccess;
}

EXPORT CUresult cuCtxSynchronize() { return current.empty() ? kInvalidContext : kSuccess; }

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  if (current.empty()) return kInvalidContext;
  if (bytes == 0) return kInvalidValue;
  const std::lock_guard<std::mutex> lock(mutex);
  const CUdevice device = current.back()->device;
  // More than any device has would wrap around where it is added up.
  if (bytes > cuda_device(device)->memory_bytes || !take(device, static_cast<int64_t>(bytes))) return kOutOfMemory;
  *address = next_address;
  next_address += (bytes + 511) / 512 * 512;
  allocations[*address] = {device, bytes};
  return kSuccess;
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = allocations.find(address);
  if (found == allocations.end()) return kInvalidValue;
  take(found->second.device, -static_cast<int64_t>(found->second.bytes));
  allocations.erase(found);
  return kSuccess;
}

EXPORT CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes) {
  if (current.empty()) return kInvalidContext;
  SimulatedDevice &device = *cuda_device(current.back()->device);
  *total_bytes = device.memory_bytes;
  *free_bytes = device.memory_bytes - used_bytes(device);
  return kSuccess;
}

EXPORT CUresult cuMemsetD8_v2(CUdeviceptr, unsigned char, size_t) { return current.empty() ? kInvalidContext : kSuccess; }
