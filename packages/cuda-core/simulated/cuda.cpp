/*
 * The simulated libcuda.so.1: enough of the CUDA driver API to enumerate what CUDA_VISIBLE_DEVICES leaves visible
 * (CUDA C++ Programming Guide, "CUDA Environment Variables"; CUDA Driver API, "Device Management").
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "mapped_state.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

using CUresult = int;
using CUdevice = int;

namespace {

constexpr CUresult kSuccess = 0;
constexpr CUresult kInvalidValue = 1;
constexpr CUresult kNotInitialized = 3;
constexpr CUresult kNoDevice = 100;
constexpr CUresult kInvalidDevice = 101;
constexpr CUresult kUnknown = 999;

struct CUuuid {
  char bytes[16];
};

bool initialised = false;
std::vector<SimulatedDevice *> visible;

/** The device that one entry of the mask names, or null where CUDA would find none. */
SimulatedDevice *device_for(SimulatedState &state, const std::string &entry) {
  if (entry.compare(0, 4, "GPU-") == 0) {
    SimulatedDevice *match = nullptr;
    for (uint32_t i = 0; i < state.device_count; ++i) {
      if (entry.compare(0, std::string::npos, state.devices[i].uuid, entry.size()) != 0) continue;
      if (match) return nullptr;
      match = &state.devices[i];
    }
    return match;
  }
  char *end = nullptr;
  const long index = std::strtol(entry.c_str(), &end, 10);
  if (end == entry.c_str() || index < 0 || index >= static_cast<long>(state.device_count)) return nullptr;
  return &state.devices[index];
}

void apply_mask(SimulatedState &state) {
  visible.clear();
  const char *mask = std::getenv("CUDA_VISIBLE_DEVICES");
  if (!mask) {
    for (uint32_t i = 0; i < state.device_count; ++i) visible.push_back(&state.devices[i]);
    return;
  }
  const std::string text = mask;
  const auto is_uuid = [](const std::string &entry) { return entry.compare(0, 4, "GPU-") == 0; };
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string entry = text.substr(at, end - at);
    SimulatedDevice *device = is_uuid(entry) == is_uuid(text) ? device_for(state, entry) : nullptr;
    if (!device) return;  // The first entry that names nothing, or in another way than the first one, ends the list.
    for (const SimulatedDevice *other : visible) {
      if (other == device) return visible.clear();  // One named twice leaves none.
    }
    visible.push_back(device);
    at = end + 1;
  }
}

SimulatedDevice *device_at(CUdevice device) {
  return device >= 0 && device < static_cast<CUdevice>(visible.size()) ? visible[static_cast<size_t>(device)] : nullptr;
}

}  // namespace

EXPORT CUresult cuInit(unsigned flags) {
  if (flags != 0) return kInvalidValue;
  SimulatedState *state = mapped_state();
  if (!state || state->init_result != 0) return kUnknown;
  apply_mask(*state);
  initialised = true;
  return visible.empty() ? kNoDevice : kSuccess;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
  *version = 12080;
  return kSuccess;
}

EXPORT CUresult cuDeviceGetCount(int *count) {
  if (!initialised) return kNotInitialized;
  *count = static_cast<int>(visible.size());
  return kSuccess;
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (!initialised) return kNotInitialized;
  if (!device_at(ordinal)) return kInvalidDevice;
  *device = ordinal;
  return kSuccess;
}

EXPORT CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
  const SimulatedDevice *simulated = device_at(device);
  if (!simulated) return kInvalidDevice;
  std::snprintf(name, static_cast<size_t>(size), "%s", simulated->name);
  return kSuccess;
}

EXPORT CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
  const SimulatedDevice *simulated = device_at(device);
  if (!simulated) return kInvalidDevice;
  size_t digit = 0;
  for (const char *text = simulated->uuid + 4; *text && digit < 32; ++text) {
    if (*text == '-') continue;
    const char pair[3] = {text[0], text[1], 0};
    uuid->bytes[digit / 2] = static_cast<char>(std::strtol(pair, nullptr, 16));
    digit += 2;
    ++text;
  }
  return kSuccess;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  const SimulatedDevice *simulated = device_at(device);
  if (!simulated) return kInvalidDevice;
  *bytes = simulated->memory_bytes;
  return kSuccess;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  const SimulatedDevice *simulated = device_at(device);
  if (!simulated) return kInvalidDevice;
  switch (attribute) {
    case 33: *value = static_cast<int>(simulated->pci_bus); return kSuccess;
    case 34: *value = static_cast<int>(simulated->pci_device); return kSuccess;
    case 50: *value = static_cast<int>(simulated->pci_domain); return kSuccess;
    case 75: *value = static_cast<int>(simulated->compute_major); return kSuccess;
    case 76: *value = static_cast<int>(simulated->compute_minor); return kSuccess;
    default: return kInvalidValue;
  }
}

EXPORT CUresult cuGetErrorName(CUresult result, const char **name) {
  switch (result) {
    case kSuccess: *name = "CUDA_SUCCESS"; return kSuccess;
    case kInvalidValue: *name = "CUDA_ERROR_INVALID_VALUE"; return kSuccess;
    case kNotInitialized: *name = "CUDA_ERROR_NOT_INITIALIZED"; return kSuccess;
    case kNoDevice: *name = "CUDA_ERROR_NO_DEVICE"; return kSuccess;
    case kInvalidDevice: *name = "CUDA_ERROR_INVALID_DEVICE"; return kSuccess;
    case kUnknown: *name = "CUDA_ERROR_UNKNOWN"; return kSuccess;
    default: *name = nullptr; return kInvalidValue;
  }
}
