#pragma once

#include <map>
#include <string>
#include <vector>

#include "device_model.h"
#include "nvml_library.h"

/**
 * How a GPU reaches each of the others, which go by their UUIDs (NVML API Reference, "NvLink Methods" and "Device Queries").
 */
std::vector<LinkFacts> links_between(const NvmlLibrary &library, nvmlDevice_t device,
                                     const std::map<std::string, nvmlDevice_t> &others);
