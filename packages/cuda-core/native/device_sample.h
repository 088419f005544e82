#pragma once

#include "device_model.h"
#include "nvml_library.h"

/** What a device does now. @param board what carries it: the device itself, or a MIG instance's GPU */
DeviceSample sample_of(const NvmlLibrary &library, nvmlDevice_t device, nvmlDevice_t board);
