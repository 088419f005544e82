/*
 * The simulated libnvidia-ml.so.1: NVML's names and binary interface over the state in a file. With
 * BERTH_SIMULATE_OLD_DRIVER it lacks what came to NVML late, as the library of an old driver does.
 */
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <unistd.h>

#include "../native/nvml_types.h"
#include "mapped_state.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

std::mutex initialising;
/** How many have initialised and not shut down: NVML counts them, and so ends with the last. */
unsigned users = 0;
/** Mapped for as long as there are users. A handle is a place in it. */
std::atomic<SimulatedState *> current = nullptr;

nvmlReturn_t copy(const char *text, char *buffer, unsigned size) {
  if (std::strlen(text) >= size) return NVML_ERROR_INSUFFICIENT_SIZE;
  std::strcpy(buffer, text);
  return NVML_SUCCESS;
}

/** The device of a handle that we gave out, or why there is none. */
nvmlReturn_t device_of(nvmlDevice_t handle, SimulatedDevice *&device) {
  SimulatedState *state = current;
  if (!state) return NVML_ERROR_UNINITIALIZED;
  for (uint32_t i = 0; i < state->device_count; ++i) {
    device = &state->devices[i];
    if (device == handle) return NVML_SUCCESS;
  }
  return NVML_ERROR_INVALID_ARGUMENT;
}

/** Answers for a figure of a device, where the device tells its figures. */
template <typename Answer> nvmlReturn_t figure(nvmlDevice_t handle, Answer answer) {
  SimulatedDevice *device = nullptr;
  nvmlReturn_t result = device_of(handle, device);
  if (result == NVML_SUCCESS) result = static_cast<nvmlReturn_t>(device->figures_result.load());
  return result == NVML_SUCCESS ? answer(*device) : result;
}

/** One list for every version of the call: `Info` is what a version tells of a process. */
template <typename Info> nvmlReturn_t processes(const SimulatedDevice &device, unsigned *count, Info *infos) {
  unsigned found = 0;
  const unsigned room = *count;
  for (const SimulatedProcess &process : device.processes) {
    const uint32_t pid = process.pid;
    if (pid == 0) continue;
    if (found < room) {
      infos[found] = Info();
      infos[found].pid = pid;
      infos[found].usedGpuMemory = process.memory_bytes == kUntoldMemory ? kNvmlNotAvailable : process.memory_bytes.load();
    }
    ++found;
  }
  *count = found;
  return found > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

}  // namespace

/** Tells who loads this that it isn't NVIDIA's. */
EXPORT void berth_simulated_driver() {}

EXPORT nvmlReturn_t nvmlInit_v2() {
  const std::lock_guard<std::mutex> lock(initialising);
  SimulatedState *state = current;
  if (!state) state = map_named_state();
  if (!state) return NVML_ERROR_UNKNOWN;
  const auto result = static_cast<nvmlReturn_t>(state->init_result.load());
  if (result == NVML_SUCCESS) {
    ++users;
    current = state;
  } else if (users == 0) {
    unmap_state(state);
  }
  return result;
}

EXPORT nvmlReturn_t nvmlShutdown() {
  const std::lock_guard<std::mutex> lock(initialising);
  if (users == 0) return NVML_ERROR_UNINITIALIZED;
  if (--users == 0) unmap_state(current.exchange(nullptr));
  return NVML_SUCCESS;
}

EXPORT const char *nvmlErrorString(nvmlReturn_t result) {
  switch (result) {
    case NVML_SUCCESS: return "Success";
    case NVML_ERROR_UNINITIALIZED: return "Uninitialized";
    case NVML_ERROR_INVALID_ARGUMENT: return "Invalid Argument";
    case NVML_ERROR_NOT_SUPPORTED: return "Not Supported";
    case NVML_ERROR_INSUFFICIENT_SIZE: return "Insufficient Size";
    case NVML_ERROR_GPU_IS_LOST: return "GPU is lost";
    case NVML_ERROR_LIB_RM_VERSION_MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
  }
}

EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned size) { return copy("570.86.15", version, size); }

EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned size) { return copy("12.570.86.15", version, size); }

EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
  SimulatedState *state = current;
  if (!state) return NVML_ERROR_UNINITIALIZED;
  if (const uint32_t delay = state->delay_milliseconds) {
    // As a driver whose device doesn't answer: it comes back late, or never in the life of who asked.
    for (uint32_t waited = 0; waited < delay; ++waited) usleep(1000);
  }
  *count = state->device_count;
  return static_cast<nvmlReturn_t>(state->count_result.load());
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
  SimulatedState *state = current;
  if (!state) return NVML_ERROR_UNINITIALIZED;
  if (index >= state->device_count) return NVML_ERROR_INVALID_ARGUMENT;
  *device = &state->devices[index];
  return static_cast<nvmlReturn_t>(state->devices[index].handle_result.load());
}

EXPORT nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t handle, char *uuid, unsigned size) {
  SimulatedDevice *device = nullptr;
  const nvmlReturn_t result = device_of(handle, device);
  return result == NVML_SUCCESS ? copy(device->uuid, uuid, size) : result;
}

EXPORT nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t handle, char *name, unsigned size) {
  SimulatedDevice *device = nullptr;
  const nvmlReturn_t result = device_of(handle, device);
  return result == NVML_SUCCESS ? copy(device->name, name, size) : result;
}

EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t handle, nvmlPciInfo_t *pci) {
  SimulatedDevice *device = nullptr;
  const nvmlReturn_t result = device_of(handle, device);
  if (result != NVML_SUCCESS) return result;
  *pci = {};
  pci->domain = device->pci_domain;
  pci->bus = device->pci_bus;
  pci->device = device->pci_device;
  std::snprintf(pci->busId, sizeof pci->busId, "%08X:%02X:%02X.0", pci->domain, pci->bus, pci->device);
  std::snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "%04X:%02X:%02X.0", pci->domain & 0xffff, pci->bus & 0xff,
                pci->device & 0xff);
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t handle, nvmlMemory_t *memory) {
  return figure(handle, [&](const SimulatedDevice &device) {
    const uint64_t used = used_bytes(device);
    *memory = {device.memory_bytes, device.memory_bytes - used, used};
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t handle, unsigned sensor, unsigned *celsius) {
  if (sensor != kNvmlTemperatureGpu) return NVML_ERROR_INVALID_ARGUMENT;
  return figure(handle, [&](const SimulatedDevice &device) {
    *celsius = device.temperature_celsius;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t handle, unsigned *count,
                                                         nvmlProcessInfo_v1_t *infos) {
  return figure(handle, [&](const SimulatedDevice &device) { return processes(device, count, infos); });
}

#ifndef BERTH_SIMULATE_OLD_DRIVER

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
  *version = 12080;
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t handle, nvmlMemory_v2_t *memory) {
  if (memory->version != kNvmlMemoryV2) return NVML_ERROR_INVALID_ARGUMENT;
  return figure(handle, [&](const SimulatedDevice &device) {
    const uint64_t used = used_bytes(device);
    memory->total = device.memory_bytes;
    memory->reserved = kDriverReserveBytes;
    memory->used = used - std::min(used, kDriverReserveBytes);
    memory->free = device.memory_bytes - used;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t handle, int *major, int *minor) {
  SimulatedDevice *device = nullptr;
  const nvmlReturn_t result = device_of(handle, device);
  if (result != NVML_SUCCESS) return result;
  *major = static_cast<int>(device->compute_major);
  *minor = static_cast<int>(device->compute_minor);
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t handle, nvmlUtilization_t *utilization) {
  return figure(handle, [&](const SimulatedDevice &device) {
    *utilization = {device.utilisation_percent, 0};
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t handle, unsigned *milliwatts) {
  return figure(handle, [&](const SimulatedDevice &device) {
    *milliwatts = device.power_milliwatts;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t handle, unsigned *count,
                                                            nvmlProcessInfo_t *infos) {
  return figure(handle, [&](const SimulatedDevice &device) { return processes(device, count, infos); });
}

#endif
