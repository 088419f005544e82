#include "cuda_mask.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <tuple>

namespace {

using Devices = std::vector<SimulatedDevice *>;

bool is_instance(const SimulatedDevice &device) { return device.parent != kNoParent; }

bool is_there(const SimulatedState &state, const SimulatedDevice &device) {
  return !device.absent && (!is_instance(device) || !state.devices[device.parent].absent);
}

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

/** The first instance of a GPU that is divided, the GPU itself otherwise; null: it can run nothing. */
SimulatedDevice *runnable(SimulatedState &state, SimulatedDevice *gpu) {
  if (!gpu || !gpu->mig_enabled) return gpu;
  for (uint32_t i = 0; i < state.device_count; ++i) {
    SimulatedDevice &device = state.devices[i];
    if (is_instance(device) && &state.devices[device.parent] == gpu && is_there(state, device)) return &device;
  }
  return nullptr;
}

/** GPUs in the order in which indexes count them: CUDA's own is by speed. */
Devices ordered_gpus(SimulatedState &state, const char *order) {
  Devices gpus;
  for (uint32_t i = 0; i < state.device_count; ++i) {
    if (!is_instance(state.devices[i]) && !state.devices[i].absent) gpus.push_back(&state.devices[i]);
  }
  const auto place = [](const SimulatedDevice *gpu) { return std::make_tuple(gpu->pci_domain, gpu->pci_bus, gpu->pci_device); };
  std::stable_sort(gpus.begin(), gpus.end(), [&](const auto *a, const auto *b) { return place(a) < place(b); });
  if (order && std::strcmp(order, "PCI_BUS_ID") == 0) return gpus;
  const auto speed = [](const SimulatedDevice *gpu) {
    return std::make_tuple(gpu->compute_major, gpu->compute_minor, gpu->memory_bytes);
  };
  std::stable_sort(gpus.begin(), gpus.end(), [&](const auto *a, const auto *b) { return speed(a) > speed(b); });
  return gpus;
}

/** `MIG-GPU-<uuid>/<GPU instance>/<compute instance>`, as it was written before driver 470. */
SimulatedDevice *by_place(SimulatedState &state, const std::string &entry) {
  for (uint32_t i = 0; i < state.device_count; ++i) {
    SimulatedDevice &device = state.devices[i];
    if (!is_instance(device) || !is_there(state, device)) continue;
    const std::string place = std::string("MIG-") + state.devices[device.parent].uuid + "/" +
                              std::to_string(device.gpu_instance) + "/" + std::to_string(device.compute_instance);
    if (place == entry) return &device;
  }
  return nullptr;
}

SimulatedDevice *by_uuid(SimulatedState &state, const std::string &entry) {
  SimulatedDevice *match = nullptr;
  for (uint32_t i = 0; i < state.device_count; ++i) {
    if (!is_there(state, state.devices[i])) continue;
    if (entry.compare(0, std::string::npos, state.devices[i].uuid, std::min(entry.size(), sizeof state.devices[i].uuid)) != 0) {
      continue;
    }
    if (match) return nullptr;
    match = &state.devices[i];
  }
  if (!match) return by_place(state, entry);
  return is_instance(*match) ? match : runnable(state, match);
}

SimulatedDevice *by_index(SimulatedState &state, const Devices &gpus, const std::string &entry) {
  char *end = nullptr;
  const long index = std::strtol(entry.c_str(), &end, 10);
  if (end == entry.c_str() || index < 0 || index >= static_cast<long>(gpus.size())) return nullptr;
  return runnable(state, gpus[static_cast<size_t>(index)]);
}

Devices named(SimulatedState &state, const Devices &gpus, const std::string &mask) {
  Devices devices;
  const Kind kind = kind_of(trimmed(mask));
  for (size_t at = 0; at <= mask.size();) {
    const size_t end = std::min(mask.find(',', at), mask.size());
    const std::string entry = trimmed(mask.substr(at, end - at));
    SimulatedDevice *device = nullptr;
    if (kind_of(entry) == kind) device = kind == Kind::index ? by_index(state, gpus, entry) : by_uuid(state, entry);
    if (!device) return devices;  // The first entry that names nothing, or in another way than the first one, ends the list.
    // Behind an instance nothing matters.
    if (!devices.empty() && is_instance(*devices.back())) return devices;
    if (std::find(devices.begin(), devices.end(), device) != devices.end()) return {};
    devices.push_back(device);
    at = end + 1;
  }
  return devices;
}

}  // namespace

std::vector<SimulatedDevice *> visible_devices(SimulatedState &state, const char *mask, const char *order) {
  const Devices gpus = ordered_gpus(state, order);
  Devices visible;
  if (mask) {
    visible = named(state, gpus, mask);
  } else {
    for (SimulatedDevice *gpu : gpus) {
      if (SimulatedDevice *device = runnable(state, gpu)) visible.push_back(device);
    }
  }
  const auto instance = std::find_if(visible.begin(), visible.end(), [](const auto *device) { return is_instance(*device); });
  if (instance != visible.end()) return {*instance};
  return visible;
}
