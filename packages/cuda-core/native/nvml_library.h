#pragma once

#include <string>

#include "dynamic_library.h"
#include "nvml_types.h"

/**
 * NVML's functions, each null where this version of the library lacks it: the newest of several versions where they are
 * called alike, else one member each. Names and signatures: NVML API Reference Guide.
 */
struct NvmlLibrary {
  explicit NvmlLibrary(const std::string &directory);

  DynamicLibrary nvml;
  /** For what NVML doesn't say. */
  DynamicLibrary cuda;

  nvmlReturn_t (*init)() = nullptr;
  nvmlReturn_t (*shutdown)() = nullptr;
  const char *(*error_string)(nvmlReturn_t) = nullptr;
  nvmlReturn_t (*driver_version)(char *, unsigned) = nullptr;
  nvmlReturn_t (*nvml_version)(char *, unsigned) = nullptr;
  nvmlReturn_t (*cuda_version)(int *) = nullptr;
  nvmlReturn_t (*count)(unsigned *) = nullptr;
  nvmlReturn_t (*handle_by_index)(unsigned, nvmlDevice_t *) = nullptr;

  nvmlReturn_t (*uuid)(nvmlDevice_t, char *, unsigned) = nullptr;
  nvmlReturn_t (*name)(nvmlDevice_t, char *, unsigned) = nullptr;
  nvmlReturn_t (*pci_info)(nvmlDevice_t, nvmlPciInfo_t *) = nullptr;
  nvmlReturn_t (*minor_number)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*architecture)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*compute_capability)(nvmlDevice_t, int *, int *) = nullptr;
  nvmlReturn_t (*compute_mode)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*persistence_mode)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*ecc_mode)(nvmlDevice_t, unsigned *, unsigned *) = nullptr;
  nvmlReturn_t (*numa_node)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*cpu_affinity)(nvmlDevice_t, unsigned, unsigned long *) = nullptr;
  nvmlReturn_t (*power_limit)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*power_limit_range)(nvmlDevice_t, unsigned *, unsigned *) = nullptr;
  nvmlReturn_t (*temperature_threshold)(nvmlDevice_t, unsigned, unsigned *) = nullptr;
  nvmlReturn_t (*most_clock)(nvmlDevice_t, unsigned, unsigned *) = nullptr;

  nvmlReturn_t (*topology)(nvmlDevice_t, nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*p2p_status)(nvmlDevice_t, nvmlDevice_t, unsigned, unsigned *) = nullptr;
  nvmlReturn_t (*nvlink_state)(nvmlDevice_t, unsigned, unsigned *) = nullptr;
  nvmlReturn_t (*nvlink_remote_type)(nvmlDevice_t, unsigned, unsigned *) = nullptr;
  nvmlReturn_t (*nvlink_remote_pci)(nvmlDevice_t, unsigned, nvmlPciInfo_t *) = nullptr;

  nvmlReturn_t (*mig_mode)(nvmlDevice_t, unsigned *, unsigned *) = nullptr;
  nvmlReturn_t (*most_mig_devices)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*mig_device)(nvmlDevice_t, unsigned, nvmlDevice_t *) = nullptr;
  nvmlReturn_t (*gpu_instance)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*compute_instance)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*attributes)(nvmlDevice_t, nvmlDeviceAttributes_t *) = nullptr;

  nvmlReturn_t (*memory_v2)(nvmlDevice_t, nvmlMemory_v2_t *) = nullptr;
  nvmlReturn_t (*memory)(nvmlDevice_t, nvmlMemory_t *) = nullptr;
  nvmlReturn_t (*utilization)(nvmlDevice_t, nvmlUtilization_t *) = nullptr;
  nvmlReturn_t (*temperature_v)(nvmlDevice_t, nvmlTemperature_v1_t *) = nullptr;
  nvmlReturn_t (*temperature)(nvmlDevice_t, unsigned, unsigned *) = nullptr;
  nvmlReturn_t (*power)(nvmlDevice_t, unsigned *) = nullptr;
  nvmlReturn_t (*clock)(nvmlDevice_t, unsigned, unsigned *) = nullptr;
  nvmlReturn_t (*throttle_reasons)(nvmlDevice_t, unsigned long long *) = nullptr;
  nvmlReturn_t (*ecc_errors)(nvmlDevice_t, unsigned, unsigned, unsigned long long *) = nullptr;
  nvmlReturn_t (*remapped_rows)(nvmlDevice_t, unsigned *, unsigned *, unsigned *, unsigned *) = nullptr;
  nvmlReturn_t (*field_values)(nvmlDevice_t, int, nvmlFieldValue_t *) = nullptr;
  nvmlReturn_t (*compute_processes)(nvmlDevice_t, unsigned *, nvmlProcessInfo_t *) = nullptr;
  nvmlReturn_t (*compute_processes_v1)(nvmlDevice_t, unsigned *, nvmlProcessInfo_v1_t *) = nullptr;
  nvmlReturn_t (*graphics_processes)(nvmlDevice_t, unsigned *, nvmlProcessInfo_t *) = nullptr;
  nvmlReturn_t (*mps_processes)(nvmlDevice_t, unsigned *, nvmlProcessInfo_t *) = nullptr;

  nvmlReturn_t (*event_types)(nvmlDevice_t, unsigned long long *) = nullptr;
  nvmlReturn_t (*register_events)(nvmlDevice_t, unsigned long long, nvmlEventSet_t) = nullptr;
  nvmlReturn_t (*create_event_set)(nvmlEventSet_t *) = nullptr;
  nvmlReturn_t (*wait_for_event)(nvmlEventSet_t, nvmlEventData_t *, unsigned) = nullptr;
  nvmlReturn_t (*free_event_set)(nvmlEventSet_t) = nullptr;

  /** Only the simulated library has it. */
  void (*simulated)() = nullptr;
  int (*cuda_driver_version)(int *) = nullptr;
};
