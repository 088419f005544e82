#pragma once

#include <vector>

#include "state.h"

/**
 * The devices that a program sees, in the order of their ordinals, by CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER
 * (CUDA Programming Guide, "CUDA Environment Variables"; NVIDIA MIG User Guide, "CUDA Device Enumeration": of MIG
 * instances one alone is enumerated, and no whole GPU beside it).
 * @param mask, order the variables' values; null: not set
 */
std::vector<SimulatedDevice *> visible_devices(SimulatedState &state, const char *mask, const char *order);
