/*
 * Memory of the simulated CUDA (CUDA Driver API, "Memory Management"). What a process takes is written into the state as its
 * own; nothing is behind the addresses. Who dies gives nothing back: readers of the state notice (processes.cpp).
 */
#include <iterator>
#include <map>
#include <unistd.h>

#include "cuda_contexts.h"
#include "processes.h"

namespace {

struct Allocation {
  CUcontext context;
  uint64_t bytes;
};

std::map<CUdeviceptr, Allocation> allocations;
/** What all of this process takes of each device. */
std::map<CUdevice, uint64_t> taken;
CUdeviceptr next_address = 0x7f0000000000;

/** As on a real device, addresses are multiples of this. */
constexpr uint64_t kAlignment = 512;

/** Whether there is room for so much more than is claimed now. */
bool fits(CUdevice device, uint64_t bytes) {
  return claimed_bytes(*cuda_state(), *cuda_device(device)) + bytes <= cuda_device(device)->memory_bytes;
}

bool record(CUdevice device, uint64_t bytes) {
  const auto pid = static_cast<uint32_t>(getpid());
  return set_process(*cuda_device(device), pid, bytes, start_ticks_of(pid));
}

void give_back(std::map<CUdeviceptr, Allocation>::iterator at) {
  take_memory(at->second.context->device, -static_cast<int64_t>(at->second.bytes));
}

}  // namespace

/*
 * Claimed first and then looked whether it fits, as other processes do the same at the same time: of two who want the last of
 * it both may go without, but never do both have it.
 */
bool take_memory(CUdevice device, int64_t bytes) {
  const uint64_t before = taken[device];
  const uint64_t after = before + static_cast<uint64_t>(bytes);
  if (bytes > 0 && !fits(device, static_cast<uint64_t>(bytes))) return false;
  if (!record(device, after)) return false;
  if (bytes > 0 && !fits(device, 0)) {
    record(device, before);
    return false;
  }
  taken[device] = after;
  return true;
}

void free_memory_of(CUcontext context) {
  for (auto at = allocations.begin(); at != allocations.end();) {
    if (at->second.context != context) {
      ++at;
      continue;
    }
    give_back(at);
    at = allocations.erase(at);
  }
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  CUcontext context = nullptr;
  if (const CUresult result = current_context(context)) return result;
  if (bytes == 0) return kInvalidValue;
  // More than any device has would wrap around where it is added up.
  if (bytes > cuda_device(context->device)->memory_bytes) return kOutOfMemory;
  if (!take_memory(context->device, static_cast<int64_t>(bytes))) return kOutOfMemory;
  *address = next_address;
  next_address += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  allocations[*address] = {context, bytes};
  return kSuccess;
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  const auto found = allocations.find(address);
  if (found == allocations.end()) return kInvalidValue;
  give_back(found);
  allocations.erase(found);
  return kSuccess;
}

EXPORT CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes) {
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  CUcontext context = nullptr;
  if (const CUresult result = current_context(context)) return result;
  SimulatedDevice &device = *cuda_device(context->device);
  *total_bytes = device.memory_bytes;
  *free_bytes = device.memory_bytes - used_bytes(*cuda_state(), device);
  return kSuccess;
}

EXPORT CUresult cuMemsetD8_v2(CUdeviceptr, unsigned char, size_t) {
  const std::lock_guard<std::mutex> lock(contexts_mutex);
  CUcontext context = nullptr;
  return current_context(context);
}
