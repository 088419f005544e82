#pragma once

#include <vector>

#include "device_facts.h"

/** Fills in how each GPU reaches each other one (NVML API Reference, "NvLink Methods", "Device Queries: topology"). */
void find_links(const NvmlLibrary &library, std::vector<Gpu> &gpus);
