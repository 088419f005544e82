#include "nvml_library.h"

NvmlLibrary::NvmlLibrary(const std::string &directory)
    : nvml(directory, "libnvidia-ml.so.1"), cuda(directory, "libcuda.so.1") {
  /** The first of these names that there is. */
  const auto find = [this](auto *&function, auto... names) {
    for (const char *name : {names...}) {
      if (!function) nvml.find(name, function);
    }
  };
  find(init, "nvmlInit_v2");
  find(shutdown, "nvmlShutdown");
  find(error_string, "nvmlErrorString");
  find(driver_version, "nvmlSystemGetDriverVersion");
  find(nvml_version, "nvmlSystemGetNVMLVersion");
  find(cuda_version, "nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion");
  find(count, "nvmlDeviceGetCount_v2");
  find(handle_by_index, "nvmlDeviceGetHandleByIndex_v2");

  find(uuid, "nvmlDeviceGetUUID");
  find(name, "nvmlDeviceGetName");
  // The second version has the same fields, and the first lacks busId, which isn't read.
  find(pci_info, "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2");
  find(minor_number, "nvmlDeviceGetMinorNumber");
  find(architecture, "nvmlDeviceGetArchitecture");
  find(compute_capability, "nvmlDeviceGetCudaComputeCapability");
  find(compute_mode, "nvmlDeviceGetComputeMode");
  find(persistence_mode, "nvmlDeviceGetPersistenceMode");
  find(ecc_mode, "nvmlDeviceGetEccMode");
  find(numa_node, "nvmlDeviceGetNumaNodeId");
  find(cpu_affinity, "nvmlDeviceGetCpuAffinity");
  find(power_limit, "nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPowerManagementLimit");
  find(power_limit_range, "nvmlDeviceGetPowerManagementLimitConstraints");
  find(temperature_threshold, "nvmlDeviceGetTemperatureThreshold");
  find(most_clock, "nvmlDeviceGetMaxClockInfo");

  find(topology, "nvmlDeviceGetTopologyCommonAncestor");
  find(p2p_status, "nvmlDeviceGetP2PStatus");
  find(nvlink_state, "nvmlDeviceGetNvLinkState");
  find(nvlink_remote_type, "nvmlDeviceGetNvLinkRemoteDeviceType");
  find(nvlink_remote_pci, "nvmlDeviceGetNvLinkRemotePciInfo_v2");

  find(mig_mode, "nvmlDeviceGetMigMode");
  find(most_mig_devices, "nvmlDeviceGetMaxMigDeviceCount");
  find(mig_device, "nvmlDeviceGetMigDeviceHandleByIndex");
  find(gpu_instance, "nvmlDeviceGetGpuInstanceId");
  find(compute_instance, "nvmlDeviceGetComputeInstanceId");
  find(attributes, "nvmlDeviceGetAttributes_v2");

  find(memory_v2, "nvmlDeviceGetMemoryInfo_v2");
  find(memory, "nvmlDeviceGetMemoryInfo");
  find(utilization, "nvmlDeviceGetUtilizationRates");
  find(temperature_v, "nvmlDeviceGetTemperatureV");
  find(temperature, "nvmlDeviceGetTemperature");
  find(power, "nvmlDeviceGetPowerUsage");
  find(clock, "nvmlDeviceGetClockInfo");
  find(throttle_reasons, "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons");
  find(ecc_errors, "nvmlDeviceGetTotalEccErrors");
  find(remapped_rows, "nvmlDeviceGetRemappedRows");
  find(field_values, "nvmlDeviceGetFieldValues");
  find(compute_processes, "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2");
  find(compute_processes_v1, "nvmlDeviceGetComputeRunningProcesses");
  find(graphics_processes, "nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2");
  find(mps_processes, "nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlDeviceGetMPSComputeRunningProcesses_v2");

  find(event_types, "nvmlDeviceGetSupportedEventTypes");
  find(register_events, "nvmlDeviceRegisterEvents");
  find(create_event_set, "nvmlEventSetCreate");
  // The first version fills less of the same structure.
  find(wait_for_event, "nvmlEventSetWait_v2", "nvmlEventSetWait");
  find(free_event_set, "nvmlEventSetFree");

  find(simulated, "berth_simulated_driver");
  cuda.find("cuDriverGetVersion", cuda_driver_version);
}
