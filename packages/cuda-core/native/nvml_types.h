#pragma once

#include <cstdint>

/*
 * The part of NVML's interface that Berth uses, as its API reference guide describes it. Shared with the simulated
 * driver, so that both speak the same binary interface.
 */

using nvmlReturn_t = int;
using nvmlDevice_t = void *;

constexpr nvmlReturn_t NVML_SUCCESS = 0;
constexpr nvmlReturn_t NVML_ERROR_UNINITIALIZED = 1;
constexpr nvmlReturn_t NVML_ERROR_INVALID_ARGUMENT = 2;
constexpr nvmlReturn_t NVML_ERROR_NOT_SUPPORTED = 3;
constexpr nvmlReturn_t NVML_ERROR_INSUFFICIENT_SIZE = 7;
constexpr nvmlReturn_t NVML_ERROR_GPU_IS_LOST = 15;
constexpr nvmlReturn_t NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18;
constexpr nvmlReturn_t NVML_ERROR_UNKNOWN = 999;

constexpr unsigned kNvmlTextBytes = 96;
constexpr unsigned kNvmlTemperatureGpu = 0;
/** NVML_VALUE_NOT_AVAILABLE: what a process uses isn't told, as under WDDM or in some containers. */
constexpr uint64_t kNvmlNotAvailable = ~0ull;

struct nvmlMemory_t {
  unsigned long long total, free, used;
};

struct nvmlMemory_v2_t {
  unsigned version;
  unsigned long long total, reserved, free, used;
};
constexpr unsigned kNvmlMemoryV2 = sizeof(nvmlMemory_v2_t) | (2u << 24);

struct nvmlPciInfo_t {
  char busIdLegacy[16];
  unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
  char busId[32];
};

struct nvmlUtilization_t {
  unsigned gpu, memory;
};

/** Of nvmlDeviceGetComputeRunningProcesses_v2 and _v3. */
struct nvmlProcessInfo_t {
  unsigned pid;
  unsigned long long usedGpuMemory;
  unsigned gpuInstanceId, computeInstanceId;
};

/** Of nvmlDeviceGetComputeRunningProcesses, the first. */
struct nvmlProcessInfo_v1_t {
  unsigned pid;
  unsigned long long usedGpuMemory;
};
