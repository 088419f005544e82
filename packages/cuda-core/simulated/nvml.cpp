/* The simulated libnvidia-ml.so.1: NVML's names and binary interface over the state in a file. */
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "../native/nvml_types.h"
#include "mapped_state.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

bool initialised = false;

SimulatedDevice *device_of(nvmlDevice_t handle) { return static_cast<SimulatedDevice *>(handle); }

nvmlReturn_t copy(const char *text, char *buffer, unsigned size) {
  if (std::strlen(text) >= size) return NVML_ERROR_INSUFFICIENT_SIZE;
  std::strcpy(buffer, text);
  return NVML_SUCCESS;
}

}  // namespace

/** Tells who loads this that it isn't NVIDIA's. */
EXPORT void berth_simulated_driver() {}

EXPORT nvmlReturn_t nvmlInit_v2() {
  const SimulatedState *state = mapped_state();
  if (!state) return NVML_ERROR_UNKNOWN;
  initialised = state->init_result == 0;
  return static_cast<nvmlReturn_t>(state->init_result);
}

EXPORT nvmlReturn_t nvmlShutdown() { return initialised ? NVML_SUCCESS : NVML_ERROR_UNINITIALIZED; }

EXPORT const char *nvmlErrorString(nvmlReturn_t result) {
  switch (result) {
    case NVML_SUCCESS: return "Success";
    case NVML_ERROR_UNINITIALIZED: return "Uninitialized";
    case NVML_ERROR_INVALID_ARGUMENT: return "Invalid Argument";
    case NVML_ERROR_LIB_RM_VERSION_MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
  }
}

EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned size) { return copy("570.86.15", version, size); }

EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned size) { return copy("12.570.86.15", version, size); }

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
  *version = 12080;
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
  if (!initialised) return NVML_ERROR_UNINITIALIZED;
  *count = mapped_state()->device_count;
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
  if (!initialised) return NVML_ERROR_UNINITIALIZED;
  if (index >= mapped_state()->device_count) return NVML_ERROR_INVALID_ARGUMENT;
  *device = &mapped_state()->devices[index];
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned size) {
  return copy(device_of(device)->uuid, uuid, size);
}

EXPORT nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned size) {
  return copy(device_of(device)->name, name, size);
}

EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci) {
  const SimulatedDevice &simulated = *device_of(device);
  *pci = {};
  pci->domain = simulated.pci_domain;
  pci->bus = simulated.pci_bus;
  pci->device = simulated.pci_device;
  std::snprintf(pci->busId, sizeof pci->busId, "%08X:%02X:%02X.0", pci->domain, pci->bus, pci->device);
  std::snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "%04X:%02X:%02X.0", pci->domain & 0xffff, pci->bus & 0xff,
                pci->device & 0xff);
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
  if (memory->version != kNvmlMemoryV2) return NVML_ERROR_INVALID_ARGUMENT;
  const SimulatedDevice &simulated = *device_of(device);
  const uint64_t used = used_bytes(simulated);
  memory->total = simulated.memory_bytes;
  memory->reserved = kDriverReserveBytes;
  memory->used = used - std::min(used, kDriverReserveBytes);
  memory->free = simulated.memory_bytes - used;
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
  const SimulatedDevice &simulated = *device_of(device);
  *memory = {simulated.memory_bytes, simulated.memory_bytes - used_bytes(simulated), used_bytes(simulated)};
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
  *major = static_cast<int>(device_of(device)->compute_major);
  *minor = static_cast<int>(device_of(device)->compute_minor);
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *utilization) {
  *utilization = {device_of(device)->utilisation_percent, 0};
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, unsigned sensor, unsigned *celsius) {
  if (sensor != kNvmlTemperatureGpu) return NVML_ERROR_INVALID_ARGUMENT;
  *celsius = device_of(device)->temperature_celsius;
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned *milliwatts) {
  *milliwatts = device_of(device)->power_milliwatts;
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                            nvmlProcessInfo_t *infos) {
  unsigned found = 0;
  const unsigned room = *count;
  for (const SimulatedProcess &process : device_of(device)->processes) {
    if (process.pid == 0) continue;
    if (found < room) infos[found] = {process.pid, process.memory_bytes, ~0u, ~0u};
    ++found;
  }
  *count = found;
  return found > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}
