/*
 * The simulated libcuda.so.1: enough of the CUDA driver API to enumerate what CUDA_VISIBLE_DEVICES leaves visible
 * (CUDA C++ Programming Guide, "CUDA Environment Variables"; CUDA Driver API, "Device Management").
 */
#include <algorithm>
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

/** Mapped by the first cuInit, for as long as the process lives: as CUDA has no end but that. */
SimulatedState *state = nullptr;
std::vector<SimulatedDevice *> visible;

/** What an entry names a device by: one list has one kind. */
enum class Kind { index, gpu, mig };

Kind kind_of(const std::string &entry) {
  if (entry.compare(0, 4, "GPU-") == 0) return Kind::gpu;
  return entry.compare(0, 4, "MIG-") == 0 ? Kind::mig : Kind::index;
}

/** Without the blanks around it, which strtol would pass over too. */
std::string trimmed(const std::string &text) {
  const char *blanks = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(blanks);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

/** The device that one entry of the mask names, or null where CUDA would find none. */
SimulatedDevice *device_for(const std::string &entry) {
  if (kind_of(entry) != Kind::index) {
    SimulatedDevice *match = nullptr;
    for (uint32_t i = 0; i < state->device_count; ++i) {
      if (entry.compare(0, std::string::npos, state->devices[i].uuid, entry.size()) != 0) continue;
      if (match) return nullptr;
      match = &state->devices[i];
    }
    return match;
  }
  char *end = nullptr;
  const long index = std::strtol(entry.c_str(), &end, 10);
  if (end == entry.c_str() || index < 0 || index >= static_cast<long>(state->device_count)) return nullptr;
  return &state->devices[index];
}

void apply_mask() {
  visible.clear();
  const char *mask = std::getenv("CUDA_VISIBLE_DEVICES");
  if (!mask) {
    for (uint32_t i = 0; i < state->device_count; ++i) visible.push_back(&state->devices[i]);
    return;
  }
  const std::string text = mask;
  const Kind kind = kind_of(trimmed(text));
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string entry = trimmed(text.substr(at, end - at));
    SimulatedDevice *device = kind_of(entry) == kind ? device_for(entry) : nullptr;
    if (!device) return;  // The first entry that names nothing, or in another way than the first one, ends the list.
    if (std::find(visible.begin(), visible.end(), device) != visible.end()) return visible.clear();
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
  if (!state) {
    SimulatedState *mapped = map_named_state();
    if (!mapped) return kUnknown;
    if (mapped->init_result != 0) {
      unmap_state(mapped);
      return kUnknown;
    }
    state = mapped;
    apply_mask();
  }
  return visible.empty() ? kNoDevice : kSuccess;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
  *version = 12080;
  return kSuccess;
}

EXPORT CUresult cuDeviceGetCount(int *count) {
  if (!state) return kNotInitialized;
  *count = static_cast<int>(visible.size());
  return kSuccess;
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (!state) return kNotInitialized;
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
  std::string digits = std::string(simulated->uuid).substr(std::min<size_t>(4, std::strlen(simulated->uuid)));
  digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
  digits.resize(2 * sizeof uuid->bytes, '0');
  for (size_t i = 0; i < sizeof uuid->bytes; ++i) {
    uuid->bytes[i] = static_cast<char>(std::strtol(digits.substr(2 * i, 2).c_str(), nullptr, 16));
  }
  return kSuccess;
}

EXPORT CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) { return cuDeviceGetUuid_v2(uuid, device); }

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  const SimulatedDevice *simulated = device_at(device);
  if (!simulated) return kInvalidDevice;
  *bytes = simulated->memory_bytes;
  return kSuccess;
}

/** As it was before CUDA 3.2: what doesn't fit is cut. */
EXPORT CUresult cuDeviceTotalMem(unsigned *bytes, CUdevice device) {
  const SimulatedDevice *simulated = device_at(device);
  if (!simulated) return kInvalidDevice;
  *bytes = static_cast<unsigned>(std::min<uint64_t>(simulated->memory_bytes, ~0u));
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

namespace {

struct ErrorText {
  CUresult result;
  const char *name;
  const char *words;
};

constexpr ErrorText kErrors[] = {
    {kSuccess, "CUDA_SUCCESS", "no error"},
    {kInvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kUnknown, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

CUresult error_text(CUresult result, const char **text, const char *ErrorText::*part) {
  *text = nullptr;
  for (const ErrorText &error : kErrors) {
    if (error.result == result) *text = error.*part;
  }
  return *text ? kSuccess : kInvalidValue;
}

}  // namespace

EXPORT CUresult cuGetErrorName(CUresult result, const char **name) { return error_text(result, name, &ErrorText::name); }

EXPORT CUresult cuGetErrorString(CUresult result, const char **words) {
  return error_text(result, words, &ErrorText::words);
}
