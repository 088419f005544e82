/*
 * The simulated NVML's answers to how a device is doing. With BERTH_SIMULATE_OLD_DRIVER it lacks what came to NVML late,
 * as the library of an old driver does.
 */
#include "nvml_state.h"

namespace {

/** One list for every version of the call: `Info` is what a version tells of a process. */
template <typename Info> nvmlReturn_t list_processes(SimulatedDevice &device, unsigned *count, Info *infos) {
  const unsigned room = *count;
  unsigned found = 0;
  const auto add = [&](SimulatedDevice &on) {
    for (const ProcessUse &process : processes_on(on)) {
      if (found < room) {
        infos[found] = Info();
        infos[found].pid = process.pid;
        infos[found].usedGpuMemory = process.memory_bytes == kUntoldMemory ? kNvmlNotAvailable : process.memory_bytes;
        if constexpr (sizeof(Info) == sizeof(nvmlProcessInfo_t)) {
          infos[found].gpuInstanceId = is_instance(on) ? on.gpu_instance : ~0u;
          infos[found].computeInstanceId = is_instance(on) ? on.compute_instance : ~0u;
        }
      }
      ++found;
    }
  };
  add(device);
  // A divided GPU names the processes of all of its instances.
  SimulatedState *state = nvml_state();
  for (uint32_t i = 0; i < state->device_count; ++i) {
    SimulatedDevice &instance = state->devices[i];
    if (is_instance(instance) && &board_of(instance) == &device) add(instance);
  }
  *count = found;
  return found > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

nvmlReturn_t temperature_of(nvmlDevice_t handle, unsigned sensor, unsigned &celsius) {
  if (sensor != kNvmlTemperatureGpu) return NVML_ERROR_INVALID_ARGUMENT;
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    celsius = device.temperature_celsius;
    return NVML_SUCCESS;
  });
}

void fill_field(const SimulatedDevice &device, nvmlFieldValue_t &field) {
  const auto say = [&](auto number) {
    field.nvmlReturn = NVML_SUCCESS;
    field.valueType = kNvmlUnsignedLongLong;
    field.value.ullVal = number;
  };
  const auto count = [&](const std::atomic<uint32_t> &errors) {
    if (device.nvlinks > 0) say(errors.load());
  };
  const auto traffic = [&](const std::atomic<uint32_t> &mebibytes) {
    if (device.nvlinks > 0 && field.scopeId == kNvmlAllLinks) say(mebibytes.load() * 1024ull);
  };
  field.nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
  switch (field.fieldId) {
    case kNvmlFieldMemoryTemperature:
      field.nvmlReturn = NVML_SUCCESS;
      field.valueType = kNvmlUnsigned;
      field.value.uiVal = device.memory_celsius;
      return;
    case kNvmlFieldEnergyMillijoules: return say(device.energy_joules.load() * 1000ull);
    case kNvmlFieldPcieReplays: return say(device.pcie_replays.load());
    case kNvmlFieldNvlinkTransmittedKibibytes: return traffic(device.nvlink_transmitted_mebibytes);
    case kNvmlFieldNvlinkReceivedKibibytes: return traffic(device.nvlink_received_mebibytes);
    case kNvmlFieldNvlinkFlitCrcErrors: return count(device.nvlink_flit_crc_errors);
    case kNvmlFieldNvlinkDataCrcErrors: return count(device.nvlink_data_crc_errors);
    case kNvmlFieldNvlinkReplays: return count(device.nvlink_replays);
    case kNvmlFieldNvlinkRecoveries: return count(device.nvlink_recoveries);
  }
}

}  // namespace

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t handle, nvmlMemory_t *memory) {
  return figure(handle, [&](SimulatedDevice &device) {
    const uint64_t used = used_bytes(*nvml_state(), device);
    *memory = {device.memory_bytes, device.memory_bytes - used, used};
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t handle, unsigned sensor, unsigned *celsius) {
  return temperature_of(handle, sensor, *celsius);
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t handle, unsigned *count,
                                                         nvmlProcessInfo_v1_t *infos) {
  return figure(handle, [&](SimulatedDevice &device) { return list_processes(device, count, infos); });
}

#ifndef BERTH_SIMULATE_OLD_DRIVER

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t handle, nvmlMemory_v2_t *memory) {
  if (memory->version != kNvmlMemoryV2) return NVML_ERROR_INVALID_ARGUMENT;
  return figure(handle, [&](SimulatedDevice &device) {
    const uint64_t used = used_bytes(*nvml_state(), device);
    memory->total = device.memory_bytes;
    memory->reserved = device.reserve_bytes;
    memory->used = used - std::min(used, device.reserve_bytes);
    memory->free = device.memory_bytes - used;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t handle, nvmlTemperature_v1_t *temperature) {
  if (temperature->version != kNvmlTemperatureV1) return NVML_ERROR_INVALID_ARGUMENT;
  unsigned celsius = 0;
  const nvmlReturn_t result = temperature_of(handle, temperature->sensorType, celsius);
  temperature->temperature = static_cast<int>(celsius);
  return result;
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t handle, unsigned type, unsigned *celsius) {
  if (type != kNvmlTemperatureSlowdown) return NVML_ERROR_NOT_SUPPORTED;
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    *celsius = device.slowdown_celsius;
    return NVML_SUCCESS;
  });
}

/** Of a divided GPU the driver doesn't tell it either. */
EXPORT nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t handle, nvmlUtilization_t *utilization) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    if (device.mig_enabled) return NVML_ERROR_NOT_SUPPORTED;
    *utilization = {device.utilisation_percent, device.utilisation_percent / 2};
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t handle, unsigned *milliwatts) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    *milliwatts = device.power_milliwatts;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t handle, unsigned *milliwatts) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    *milliwatts = device.power_limit_milliwatts;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t handle, unsigned *least, unsigned *most) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    *least = device.power_least_milliwatts;
    *most = device.power_most_milliwatts;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t handle, unsigned type, unsigned *megahertz) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    if (type > kNvmlClockMemory) return NVML_ERROR_NOT_SUPPORTED;
    *megahertz = type == kNvmlClockMemory ? device.most_memory_megahertz : device.sm_megahertz.load();
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t handle, unsigned type, unsigned *megahertz) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    if (type == kNvmlClockGraphics) *megahertz = device.most_graphics_megahertz;
    else if (type == kNvmlClockSm) *megahertz = device.most_sm_megahertz;
    else if (type == kNvmlClockMemory) *megahertz = device.most_memory_megahertz;
    else return NVML_ERROR_NOT_SUPPORTED;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t handle, unsigned long long *reasons) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    *reasons = device.throttle_reasons;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t handle, unsigned long long *reasons) {
  return nvmlDeviceGetCurrentClocksEventReasons(handle, reasons);
}

EXPORT nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t handle, unsigned *now, unsigned *next) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    if (!device.ecc) return NVML_ERROR_NOT_SUPPORTED;
    *now = *next = 1;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t handle, unsigned type, unsigned, unsigned long long *count) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    if (!device.ecc) return NVML_ERROR_NOT_SUPPORTED;
    *count = type == kNvmlErrorCorrected ? device.ecc_corrected : device.ecc_uncorrected;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t handle, unsigned *correctable, unsigned *uncorrectable,
                                              unsigned *pending, unsigned *failed) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    // Since Ampere's HBM memory.
    if (!device.ecc || device.architecture < 7) return NVML_ERROR_NOT_SUPPORTED;
    *correctable = device.rows_correctable;
    *uncorrectable = device.rows_uncorrectable;
    *pending = device.rows_pending;
    *failed = device.rows_failed;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t handle, int count, nvmlFieldValue_t *values) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    for (int i = 0; i < count; ++i) fill_field(device, values[i]);
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t handle, unsigned *mode) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    *mode = device.compute_mode;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t handle, unsigned *mode) {
  return gpu_figure(handle, [&](const SimulatedDevice &) {
    *mode = 1;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t handle, unsigned *count,
                                                            nvmlProcessInfo_t *infos) {
  return figure(handle, [&](SimulatedDevice &device) { return list_processes(device, count, infos); });
}

EXPORT nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t handle, unsigned *count, nvmlProcessInfo_t *) {
  return figure(handle, [&](const SimulatedDevice &) {
    *count = 0;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v3(nvmlDevice_t handle, unsigned *count, nvmlProcessInfo_t *) {
  return figure(handle, [&](const SimulatedDevice &) {
    *count = 0;
    return NVML_SUCCESS;
  });
}

#endif
