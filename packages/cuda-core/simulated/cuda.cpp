/*
 * The simulated libcuda.so.1: enough of the CUDA driver API to enumerate what a mask leaves visible, and to take memory
 * there (CUDA Driver API, "Initialization", "Device Management", "Error Handling"). It computes nothing.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <optional>
#include <string>

#include "cuda_mask.h"
#include "cuda_state.h"
#include "mapped_state.h"

namespace {

struct CUuuid {
  char bytes[16];
};

std::mutex initialising;
SimulatedState *state = nullptr;
std::vector<SimulatedDevice *> visible;

void parse_uuid(const SimulatedDevice &device, CUuuid &uuid) {
  std::string digits = std::string(device.uuid).substr(std::min<size_t>(4, std::strlen(device.uuid)));
  digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
  digits.resize(2 * sizeof uuid.bytes, '0');
  for (size_t i = 0; i < sizeof uuid.bytes; ++i) {
    uuid.bytes[i] = static_cast<char>(std::strtol(digits.substr(2 * i, 2).c_str(), nullptr, 16));
  }
}

/** CUDA C++ Programming Guide, "Technical Specifications per Compute Capability". */
uint32_t threads_of_multiprocessor(const SimulatedDevice &board) {
  if (board.compute_major == 7 && board.compute_minor == 5) return 1024;
  return board.compute_major == 8 && board.compute_minor > 0 ? 1536 : 2048;
}

/** Answers for a device that there is. */
template <typename Answer> CUresult of_device(CUdevice device, Answer answer) {
  if (!state) return kNotInitialized;
  SimulatedDevice *simulated = cuda_device(device);
  if (!simulated) return kInvalidDevice;
  answer(*simulated);
  return kSuccess;
}

/** CUdevice_attribute, as far as anybody asks who computes nothing. */
std::optional<uint32_t> attribute_of(const SimulatedDevice &device, const SimulatedDevice &board, int attribute) {
  switch (attribute) {
    case 1: return 1024;   // threads in a block
    case 2: return 1024;   // and in its three directions
    case 3: return 1024;
    case 4: return 64;
    case 5: return 0x7fffffff;  // blocks in a grid's three directions
    case 6: return 65535;
    case 7: return 65535;
    case 8: return 48 << 10;  // shared memory of a block
    case 9: return 64 << 10;  // constant memory
    case 10: return 32;       // threads in a warp
    case 12: return 65536;    // registers of a block
    case 13: return board.most_sm_megahertz * 1000;
    case 16: return device.multiprocessors;
    case 17: return 0;  // whether kernels may run for a limited time only
    case 18: return 0;  // whether it is integrated
    case 19: return 1;  // whether it maps the host's memory
    case 20: return board.compute_mode;
    case 31: return 1;  // kernels side by side
    case 32: return board.ecc;
    case 33: return board.pci_bus;
    case 34: return board.pci_device;
    case 36: return board.most_memory_megahertz * 1000;
    case 39: return threads_of_multiprocessor(board);
    case 41: return 1;  // one address space with the host
    case 50: return board.pci_domain;
    case 75: return board.compute_major;
    case 76: return board.compute_minor;
    case 83: return 1;  // managed memory
    case 84: return 0;  // whether its board has several GPUs
    default: return std::nullopt;
  }
}

std::string bus_id(const SimulatedDevice &board) {
  char text[32];
  std::snprintf(text, sizeof text, "%04X:%02X:%02X.0", board.pci_domain & 0xffff, board.pci_bus, board.pci_device);
  return text;
}

}  // namespace

SimulatedState *cuda_state() { return state; }

SimulatedDevice *cuda_device(CUdevice device) {
  return device >= 0 && device < cuda_device_count() ? visible[static_cast<size_t>(device)] : nullptr;
}

int cuda_device_count() { return static_cast<int>(visible.size()); }

SimulatedDevice &cuda_board(SimulatedDevice &device) {
  return device.parent == kNoParent ? device : state->devices[device.parent];
}

/** Tells who loads this that it isn't NVIDIA's. */
EXPORT void berth_simulated_driver() {}

EXPORT CUresult cuInit(unsigned flags) {
  if (flags != 0) return kInvalidValue;
  const std::lock_guard<std::mutex> lock(initialising);
  if (!state) {
    SimulatedState *mapped = map_named_state();
    if (!mapped) return kUnknown;
    if (mapped->init_result != 0) {
      unmap_state(mapped);
      return kUnknown;
    }
    visible = visible_devices(*mapped, std::getenv("CUDA_VISIBLE_DEVICES"), std::getenv("CUDA_DEVICE_ORDER"));
    state = mapped;
  }
  return visible.empty() ? kNoDevice : kSuccess;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
  *version = state ? static_cast<int>(state->cuda_version) : 12080;
  return kSuccess;
}

EXPORT CUresult cuDeviceGetCount(int *count) {
  if (!state) return kNotInitialized;
  *count = cuda_device_count();
  return kSuccess;
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  return of_device(ordinal, [&](const SimulatedDevice &) { *device = ordinal; });
}

EXPORT CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
  return of_device(device, [&](const SimulatedDevice &simulated) {
    std::snprintf(name, static_cast<size_t>(size), "%s", simulated.name);
  });
}

/** Names a MIG instance; the older function always names the GPU. */
EXPORT CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
  return of_device(device, [&](const SimulatedDevice &simulated) { parse_uuid(simulated, *uuid); });
}

EXPORT CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
  return of_device(device, [&](SimulatedDevice &simulated) { parse_uuid(cuda_board(simulated), *uuid); });
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  return of_device(device, [&](const SimulatedDevice &simulated) { *bytes = simulated.memory_bytes; });
}

/** As it was before CUDA 3.2: what doesn't fit is cut. */
EXPORT CUresult cuDeviceTotalMem(unsigned *bytes, CUdevice device) {
  return of_device(device, [&](const SimulatedDevice &simulated) {
    *bytes = static_cast<unsigned>(std::min<uint64_t>(simulated.memory_bytes, ~0u));
  });
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  if (!state) return kNotInitialized;
  SimulatedDevice *simulated = cuda_device(device);
  if (!simulated) return kInvalidDevice;
  const std::optional<uint32_t> known = attribute_of(*simulated, cuda_board(*simulated), attribute);
  if (known) *value = static_cast<int>(*known);
  return known ? kSuccess : kInvalidValue;
}

EXPORT CUresult cuDeviceGetPCIBusId(char *text, int size, CUdevice device) {
  return of_device(device, [&](SimulatedDevice &simulated) {
    std::snprintf(text, static_cast<size_t>(size), "%s", bus_id(cuda_board(simulated)).c_str());
  });
}

EXPORT CUresult cuDeviceGetByPCIBusId(CUdevice *device, const char *text) {
  if (!state) return kNotInitialized;
  for (CUdevice ordinal = 0; ordinal < cuda_device_count(); ++ordinal) {
    if (bus_id(cuda_board(*cuda_device(ordinal))) != text) continue;
    *device = ordinal;
    return kSuccess;
  }
  return kInvalidDevice;
}

/** Where newer programs ask for every function, by the version of CUDA that they were made for. */
EXPORT CUresult cuGetProcAddress_v2(const char *name, void **function, int, uint64_t, int *status) {
  *function = nullptr;
  // Whoever loaded us may have kept our names to himself.
  Dl_info self = {};
  void *library = dladdr(reinterpret_cast<void *>(&cuInit), &self) ? dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : nullptr;
  // The newest version of a function is the one that is meant.
  for (const char *suffix : {"_v2", ""}) {
    if (library && !*function) *function = dlsym(library, (std::string(name) + suffix).c_str());
  }
  if (library) dlclose(library);
  if (status) *status = *function ? 0 : 1;
  return *function ? kSuccess : kNotFound;
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
    {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {kNotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {kContextIsDestroyed, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
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
