#pragma once

#include <vector>

#include "device_model.h"
#include "nvml_library.h"

struct Gpu {
  nvmlDevice_t handle;
  DeviceFacts facts;
};

struct MigInstance {
  nvmlDevice_t handle;
  DeviceFacts facts;
};

/** All that doesn't change of a GPU, but for its index. `uuid` is empty where it doesn't say who it is. */
DeviceFacts facts_of_gpu(const NvmlLibrary &library, nvmlDevice_t device);

/** The MIG instances of a GPU, in NVML's order: each has what is its own, and what it shares with its board. */
std::vector<MigInstance> mig_instances_of(const NvmlLibrary &library, const Gpu &gpu);
