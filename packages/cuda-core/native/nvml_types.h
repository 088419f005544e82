#pragma once

#include <cstdint>

/*
 * The part of NVML's interface that Berth uses, as its API reference guide (and the nvml.h that CUDA ships) describes it.
 * Shared with the simulated driver, so that both speak the same binary interface.
 */

using nvmlReturn_t = int;
using nvmlDevice_t = void *;
using nvmlEventSet_t = void *;

constexpr nvmlReturn_t NVML_SUCCESS = 0;
constexpr nvmlReturn_t NVML_ERROR_UNINITIALIZED = 1;
constexpr nvmlReturn_t NVML_ERROR_INVALID_ARGUMENT = 2;
constexpr nvmlReturn_t NVML_ERROR_NOT_SUPPORTED = 3;
constexpr nvmlReturn_t NVML_ERROR_NO_PERMISSION = 4;
constexpr nvmlReturn_t NVML_ERROR_NOT_FOUND = 6;
constexpr nvmlReturn_t NVML_ERROR_INSUFFICIENT_SIZE = 7;
constexpr nvmlReturn_t NVML_ERROR_TIMEOUT = 10;
constexpr nvmlReturn_t NVML_ERROR_GPU_IS_LOST = 15;
constexpr nvmlReturn_t NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18;
constexpr nvmlReturn_t NVML_ERROR_UNKNOWN = 999;

constexpr unsigned kNvmlTextBytes = 96;
/** nvmlTemperatureSensors_t, and the slowdown threshold of nvmlTemperatureThresholds_t. */
constexpr unsigned kNvmlTemperatureGpu = 0;
constexpr unsigned kNvmlTemperatureSlowdown = 1;
/** NVML_VALUE_NOT_AVAILABLE: what a process uses isn't told, as under WDDM or in some containers. */
constexpr uint64_t kNvmlNotAvailable = ~0ull;

/** nvmlClockType_t. */
constexpr unsigned kNvmlClockGraphics = 0;
constexpr unsigned kNvmlClockSm = 1;
constexpr unsigned kNvmlClockMemory = 2;

/** nvmlMemoryErrorType_t and nvmlEccCounterType_t: since the driver was loaded, and for the life of the device. */
constexpr unsigned kNvmlErrorCorrected = 0;
constexpr unsigned kNvmlErrorUncorrected = 1;
constexpr unsigned kNvmlEccVolatile = 0;
constexpr unsigned kNvmlEccAggregate = 1;

/** nvmlGpuTopologyLevel_t: what a path between two devices crosses at the most. */
constexpr unsigned kNvmlTopologyInternal = 0;
constexpr unsigned kNvmlTopologySingle = 10;
constexpr unsigned kNvmlTopologyMultiple = 20;
constexpr unsigned kNvmlTopologyHostBridge = 30;
constexpr unsigned kNvmlTopologyNode = 40;
constexpr unsigned kNvmlTopologySystem = 50;

/** NVML_NVLINK_MAX_LINKS, and nvmlIntNvLinkDeviceType_t. */
constexpr unsigned kNvmlMostLinks = 18;
constexpr unsigned kNvmlLinkToGpu = 0;
constexpr unsigned kNvmlLinkToSwitch = 2;
/** nvmlGpuP2PCapsIndex_t, nvmlGpuP2PStatus_t. */
constexpr unsigned kNvmlP2pNvlink = 2;
constexpr unsigned kNvmlP2pOk = 0;

/** NVML_DEVICE_MIG_ENABLE */
constexpr unsigned kNvmlMigEnabled = 1;

/** nvmlEventTypes. */
constexpr unsigned long long kNvmlEventDoubleBitEcc = 0x2;
constexpr unsigned long long kNvmlEventXid = 0x8;

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

/** Of nvmlDeviceGetTemperatureV, which took the place of nvmlDeviceGetTemperature. */
struct nvmlTemperature_v1_t {
  unsigned version, sensorType;
  int temperature;
};
constexpr unsigned kNvmlTemperatureV1 = sizeof(nvmlTemperature_v1_t) | (1u << 24);

/** Of nvmlDeviceGetFieldValues: "Field Value Enums", "Field Value Structs" and nvmlValueType_t of the guide. */
constexpr unsigned kNvmlFieldNvlinkFlitCrcErrors = 38;
constexpr unsigned kNvmlFieldNvlinkDataCrcErrors = 45;
constexpr unsigned kNvmlFieldNvlinkReplays = 52;
constexpr unsigned kNvmlFieldNvlinkRecoveries = 59;
constexpr unsigned kNvmlFieldMemoryTemperature = 82;
constexpr unsigned kNvmlFieldEnergyMillijoules = 83;
constexpr unsigned kNvmlFieldPcieReplays = 94;
constexpr unsigned kNvmlFieldNvlinkTransmittedKibibytes = 138;
constexpr unsigned kNvmlFieldNvlinkReceivedKibibytes = 139;
/** The scope in which NVLink's traffic is that of all links. */
constexpr unsigned kNvmlAllLinks = ~0u;

enum nvmlValueType_t : unsigned {
  kNvmlDouble = 0,
  kNvmlUnsigned = 1,
  kNvmlUnsignedLong = 2,
  kNvmlUnsignedLongLong = 3,
  kNvmlSignedLongLong = 4,
  kNvmlSigned = 5,
};

struct nvmlFieldValue_t {
  unsigned fieldId, scopeId;
  long long timestamp, latencyUsec;
  nvmlValueType_t valueType;
  nvmlReturn_t nvmlReturn;
  union {
    double dVal;
    unsigned uiVal;
    unsigned long ulVal;
    unsigned long long ullVal;
    long long sllVal;
    int siVal;
  } value;
};
static_assert(sizeof(nvmlFieldValue_t) == 40);

/** Of nvmlDeviceGetComputeRunningProcesses_v2 and _v3, and of their graphics and MPS kin. */
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

/** Of nvmlDeviceGetAttributes_v2, for MIG instances. */
struct nvmlDeviceAttributes_t {
  unsigned multiprocessorCount, sharedCopyEngineCount, sharedDecoderCount, sharedEncoderCount, sharedJpegCount,
      sharedOfaCount, gpuInstanceSliceCount, computeInstanceSliceCount;
  unsigned long long memorySizeMB;
};

/** Of nvmlEventSetWait and nvmlEventSetWait_v2; the first version ends with eventData. */
struct nvmlEventData_t {
  nvmlDevice_t device;
  unsigned long long eventType, eventData;
  unsigned gpuInstanceId, computeInstanceId;
};
