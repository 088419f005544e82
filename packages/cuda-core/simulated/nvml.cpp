/*
 * The simulated libnvidia-ml.so.1: NVML's names and binary interface over the state in a file. Here is how it begins and
 * ends, and which devices there are.
 */
#include <cstdio>
#include <mutex>
#include <unistd.h>

#include "mapped_state.h"
#include "nvml_state.h"

namespace {

std::mutex initialising;
/** How many have initialised and not shut down: NVML counts them, and so ends with the last. */
unsigned users = 0;
/** Mapped for as long as there are users. A handle is a place in it. */
std::atomic<SimulatedState *> current = nullptr;

}  // namespace

SimulatedState *nvml_state() { return current; }

void take_long(const std::atomic<uint32_t> &milliseconds) {
  for (uint32_t waited = 0; waited < milliseconds; ++waited) usleep(1000);
}

nvmlReturn_t copy_text(const char *text, char *buffer, unsigned size) {
  if (std::strlen(text) >= size) return NVML_ERROR_INSUFFICIENT_SIZE;
  std::strcpy(buffer, text);
  return NVML_SUCCESS;
}

std::vector<SimulatedDevice *> present_gpus(SimulatedState &state) {
  std::vector<SimulatedDevice *> gpus;
  for (uint32_t i = 0; i < state.device_count; ++i) {
    SimulatedDevice &device = state.devices[i];
    if (!is_instance(device) && !device.absent) gpus.push_back(&device);
  }
  return gpus;
}

nvmlReturn_t device_of(nvmlDevice_t handle, SimulatedDevice *&device) {
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  for (uint32_t i = 0; i < state->device_count; ++i) {
    device = &state->devices[i];
    if (device != handle) continue;
    const SimulatedDevice &board = board_of(*device);
    if (board.absent || board.handle_result == NVML_ERROR_GPU_IS_LOST) return NVML_ERROR_GPU_IS_LOST;
    return NVML_SUCCESS;
  }
  return NVML_ERROR_INVALID_ARGUMENT;
}

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
    case NVML_ERROR_NO_PERMISSION: return "Insufficient Permissions";
    case NVML_ERROR_NOT_FOUND: return "Not Found";
    case NVML_ERROR_INSUFFICIENT_SIZE: return "Insufficient Size";
    case NVML_ERROR_TIMEOUT: return "Timeout";
    case NVML_ERROR_GPU_IS_LOST: return "GPU is lost";
    case NVML_ERROR_LIB_RM_VERSION_MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
  }
}

EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned size) {
  SimulatedState *state = nvml_state();
  return state ? copy_text(state->driver_version, version, size) : NVML_ERROR_UNINITIALIZED;
}

EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned size) {
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  char text[48];
  std::snprintf(text, sizeof text, "12.%s", state->driver_version);
  return copy_text(text, version, size);
}

EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  take_long(state->delay_milliseconds);
  *count = static_cast<unsigned>(present_gpus(*state).size());
  return static_cast<nvmlReturn_t>(state->count_result.load());
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  const std::vector<SimulatedDevice *> gpus = present_gpus(*state);
  if (index >= gpus.size()) return NVML_ERROR_INVALID_ARGUMENT;
  *device = gpus[index];
  return static_cast<nvmlReturn_t>(gpus[index]->handle_result.load());
}

EXPORT nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t handle, char *uuid, unsigned size) {
  return fact(handle, [&](const SimulatedDevice &device) { return copy_text(device.uuid, uuid, size); });
}

EXPORT nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t handle, char *name, unsigned size) {
  return fact(handle, [&](const SimulatedDevice &device) { return copy_text(device.name, name, size); });
}

EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t handle, nvmlPciInfo_t *pci) {
  return fact(handle, [&](SimulatedDevice &device) {
    const SimulatedDevice &board = board_of(device);
    *pci = {};
    pci->domain = board.pci_domain;
    pci->bus = board.pci_bus;
    pci->device = board.pci_device;
    std::snprintf(pci->busId, sizeof pci->busId, "%08X:%02X:%02X.0", pci->domain, pci->bus, pci->device);
    std::snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "%04X:%02X:%02X.0", pci->domain & 0xffff, pci->bus & 0xff,
                  pci->device & 0xff);
    return NVML_SUCCESS;
  });
}

#ifndef BERTH_SIMULATE_OLD_DRIVER

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  *version = static_cast<int>(state->cuda_version);
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *handle) {
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  for (uint32_t i = 0; i < state->device_count; ++i) {
    SimulatedDevice *device = &state->devices[i];
    if (std::strcmp(device->uuid, uuid) != 0) continue;
    *handle = device;
    return device_of(device, device);
  }
  return NVML_ERROR_NOT_FOUND;
}

EXPORT nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t handle, unsigned *minor) {
  return fact(handle, [&](SimulatedDevice &device) {
    const std::vector<SimulatedDevice *> gpus = present_gpus(*nvml_state());
    *minor = static_cast<unsigned>(std::find(gpus.begin(), gpus.end(), &board_of(device)) - gpus.begin());
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t handle, unsigned *architecture) {
  return fact(handle, [&](const SimulatedDevice &device) {
    *architecture = device.architecture;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t handle, int *major, int *minor) {
  return fact(handle, [&](const SimulatedDevice &device) {
    *major = static_cast<int>(device.compute_major);
    *minor = static_cast<int>(device.compute_minor);
    return NVML_SUCCESS;
  });
}

#endif
