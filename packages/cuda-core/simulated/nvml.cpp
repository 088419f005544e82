/*
 * The simulated libnvidia-ml.so.1: NVML's names and binary interface over the state in a file. Here is how it begins and
 * ends, and which devices there are.
 */
#include <cstdio>
#include <mutex>

#include "mapped_state.h"
#include "nvml_state.h"

namespace {

std::mutex initialising;
/** How many have initialised and not shut down: NVML counts them, and so ends with the last. */
unsigned users = 0;
/** Mapped for as long as there are users. A handle is a place in it. */
std::atomic<SimulatedState *> current = nullptr;
/** Shut down, but perhaps still looked at by a call; unmapped by the last of these. */
std::vector<SimulatedState *> retired;
std::atomic<bool> any_retired = false;
std::atomic<unsigned> calls = 0;
/** In the thread's first block: a leak detector gets lost in the blocks that are made for libraries opened later. */
__attribute__((tls_model("initial-exec"))) thread_local struct {
  unsigned depth = 0;
  SimulatedState *seen = nullptr;
} of_thread;

/** Under the lock. Who begins a call from now on doesn't see these; who began one before is counted. */
void unmap_retired() {
  if (calls > 0) return;
  for (SimulatedState *state : retired) unmap_state(state);
  retired.clear();
  any_retired = false;
}

}  // namespace

Call::Call() {
  if (of_thread.depth++ > 0) return;
  ++calls;  // Before it looks: see unmap_retired.
  of_thread.seen = current;
}

Call::~Call() {
  if (--of_thread.depth > 0) return;
  of_thread.seen = nullptr;
  if (--calls > 0 || !any_retired) return;
  const std::lock_guard<std::mutex> lock(initialising);
  unmap_retired();
}

SimulatedState *nvml_state() { return of_thread.seen; }

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
    if (device == handle) return reached(*device);
  }
  return NVML_ERROR_INVALID_ARGUMENT;
}

nvmlReturn_t reached(SimulatedDevice &device) {
  for (const SimulatedDevice *each : {&device, &board_of(device)}) {
    if (each->absent || each->handle_result == NVML_ERROR_GPU_IS_LOST) return NVML_ERROR_GPU_IS_LOST;
  }
  return NVML_SUCCESS;
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
  if (--users > 0) return NVML_SUCCESS;
  retired.push_back(current.exchange(nullptr));
  any_retired = true;
  unmap_retired();
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
  const Call call;
  SimulatedState *state = nvml_state();
  return state ? copy_text(state->driver_version, version, size) : NVML_ERROR_UNINITIALIZED;
}

EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned size) {
  const Call call;
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  char text[48];
  std::snprintf(text, sizeof text, "12.%s", state->driver_version);
  return copy_text(text, version, size);
}

EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
  const Call call;
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  take_long([&] { return state->delay_milliseconds.load(); });
  *count = static_cast<unsigned>(present_gpus(*state).size());
  return static_cast<nvmlReturn_t>(state->count_result.load());
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
  const Call call;
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

/** What every version of the structure has: the second one ends before busId. */
EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t handle, nvmlPciInfo_t *pci) {
  return fact(handle, [&](SimulatedDevice &device) {
    const SimulatedDevice &board = board_of(device);
    pci->domain = board.pci_domain;
    pci->bus = board.pci_bus;
    pci->device = board.pci_device;
    pci->pciDeviceId = pci->pciSubSystemId = 0;
    std::snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "%04X:%02X:%02X.0", pci->domain & 0xffff, pci->bus & 0xff,
                  pci->device & 0xff);
    return NVML_SUCCESS;
  });
}

#ifndef BERTH_SIMULATE_OLD_DRIVER

EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t handle, nvmlPciInfo_t *pci) {
  const nvmlReturn_t result = nvmlDeviceGetPciInfo_v2(handle, pci);
  if (result != NVML_SUCCESS) return result;
  std::snprintf(pci->busId, sizeof pci->busId, "%08X:%02X:%02X.0", pci->domain, pci->bus, pci->device);
  return result;
}

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
  const Call call;
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  *version = static_cast<int>(state->cuda_version);
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *handle) {
  const Call call;
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  for (uint32_t i = 0; i < state->device_count; ++i) {
    SimulatedDevice *device = &state->devices[i];
    if (std::strcmp(device->uuid, uuid) != 0 || device->absent || board_of(*device).absent) continue;
    *handle = device;
    const nvmlReturn_t result = reached(*device);
    return result == NVML_SUCCESS ? static_cast<nvmlReturn_t>(device->handle_result.load()) : result;
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
