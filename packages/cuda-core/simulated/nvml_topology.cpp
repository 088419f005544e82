/*
 * The simulated NVML's answers to how devices are connected, how GPUs are divided, and what happens to them. An old driver
 * knows nothing of these.
 */
#ifndef BERTH_SIMULATE_OLD_DRIVER

#include <mutex>
#include <set>

#include "nvml_state.h"

namespace {

/** How often somebody who waits for an event looks for one. */
constexpr unsigned kLookMilliseconds = 20;
/** Where the first NVSwitch is on the PCI bus. */
constexpr unsigned kSwitchBus = 0xc8;
/** nvmlGpuP2PStatus_t */
constexpr unsigned kNvmlP2pNotSupported = 5;
/** NVIDIA MIG User Guide, "Supported MIG Profiles": of the smallest there is room for seven. */
constexpr unsigned kMostInstances = 7;

struct EventSet {
  std::mutex mutex;
  std::set<SimulatedDevice *> devices;
  /** The last event that was seen. */
  uint64_t seen;
};

/** The next event that a set is interested in, if there is one. */
bool take_event(SimulatedState &state, EventSet &events, nvmlEventData_t &data) {
  const std::lock_guard<std::mutex> lock(events.mutex);
  const uint64_t told = state.events_told;
  // What was overwritten before anybody looked is lost.
  if (told > events.seen + kEventsKept) events.seen = told - kEventsKept;
  while (events.seen < told) {
    const SimulatedEvent &event = state.events[(events.seen + 1) % kEventsKept];
    if (event.sequence != events.seen + 1) return false;  // It is just being written.
    ++events.seen;
    SimulatedDevice *device = &state.devices[event.device % kMostDevices];
    if (!events.devices.count(device)) continue;
    data = {device, kNvmlEventXid, event.xid, ~0u, ~0u};
    return true;
  }
  return false;
}

template <typename Answer> nvmlReturn_t link(nvmlDevice_t handle, unsigned number, Answer answer) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    if (number >= kNvmlMostLinks) return NVML_ERROR_INVALID_ARGUMENT;
    // A board without NVLink says so; one with fewer links than there may be, too.
    return number < device.nvlinks ? answer(device) : NVML_ERROR_NOT_SUPPORTED;
  });
}

template <typename Answer> nvmlReturn_t pair(nvmlDevice_t one, nvmlDevice_t other, Answer answer) {
  return fact(one, [&](const SimulatedDevice &first) {
    return fact(other, [&](const SimulatedDevice &second) { return answer(first, second); });
  });
}

template <typename Answer> nvmlReturn_t instance(nvmlDevice_t handle, Answer answer) {
  return fact(handle, [&](const SimulatedDevice &device) {
    return is_instance(device) ? answer(device) : NVML_ERROR_INVALID_ARGUMENT;
  });
}

}  // namespace

EXPORT nvmlReturn_t nvmlDeviceGetNumaNodeId(nvmlDevice_t handle, unsigned *node) {
  return fact(handle, [&](const SimulatedDevice &device) {
    *node = device.numa_node;
    return NVML_SUCCESS;
  });
}

/** The host's CPUs, dealt out to two NUMA nodes. */
EXPORT nvmlReturn_t nvmlDeviceGetCpuAffinity(nvmlDevice_t handle, unsigned words, unsigned long *set) {
  return fact(handle, [&](const SimulatedDevice &device) {
    constexpr long bits = 8 * sizeof(unsigned long);
    const long cpus = std::min<long>(std::max<long>(sysconf(_SC_NPROCESSORS_CONF), 2), words * bits);
    std::fill(set, set + words, 0);
    const long half = cpus / 2;
    for (long cpu = device.numa_node == 0 ? 0 : half; cpu < (device.numa_node == 0 ? half : cpus); ++cpu) {
      set[cpu / bits] |= 1ul << (cpu % bits);
    }
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetTopologyCommonAncestor(nvmlDevice_t one, nvmlDevice_t other, unsigned *level) {
  return pair(one, other, [&](const SimulatedDevice &first, const SimulatedDevice &second) {
    if (&first == &second) *level = kNvmlTopologyInternal;
    else if (first.numa_node != second.numa_node) *level = kNvmlTopologySystem;
    else *level = first.pcie_switch == second.pcie_switch ? kNvmlTopologySingle : kNvmlTopologyNode;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetP2PStatus(nvmlDevice_t one, nvmlDevice_t other, unsigned capability, unsigned *status) {
  return pair(one, other, [&](const SimulatedDevice &first, const SimulatedDevice &second) {
    const bool linked = first.nvlinks > 0 && second.nvlinks > 0 && first.nvswitch == second.nvswitch;
    // Nothing reaches into a GPU that is divided (NVIDIA MIG User Guide, "Application Considerations").
    const bool divided = first.mig_enabled || second.mig_enabled || is_instance(first) || is_instance(second);
    *status = divided || (capability == kNvmlP2pNvlink && !linked) ? kNvmlP2pNotSupported : kNvmlP2pOk;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetNvLinkState(nvmlDevice_t handle, unsigned number, unsigned *active) {
  return link(handle, number, [&](const SimulatedDevice &) {
    *active = 1;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetNvLinkRemoteDeviceType(nvmlDevice_t handle, unsigned number, unsigned *type) {
  return link(handle, number, [&](const SimulatedDevice &) {
    *type = kNvmlLinkToSwitch;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo_v2(nvmlDevice_t handle, unsigned number, nvmlPciInfo_t *pci) {
  return link(handle, number, [&](const SimulatedDevice &device) {
    *pci = {};
    pci->bus = kSwitchBus + device.nvswitch;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t handle, unsigned *now, unsigned *next) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    if (!device.mig_capable) return NVML_ERROR_NOT_SUPPORTED;
    *now = *next = device.mig_enabled;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t handle, unsigned *count) {
  return gpu_figure(handle, [&](const SimulatedDevice &device) {
    *count = device.mig_enabled ? kMostInstances : 0;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t handle, unsigned index, nvmlDevice_t *mig) {
  return gpu_figure(handle, [&](const SimulatedDevice &gpu) {
    if (!gpu.mig_enabled) return NVML_ERROR_NOT_SUPPORTED;
    if (index >= kMostInstances) return NVML_ERROR_INVALID_ARGUMENT;
    SimulatedState *state = nvml_state();
    for (uint32_t i = 0; i < state->device_count; ++i) {
      SimulatedDevice &device = state->devices[i];
      if (!is_instance(device) || &board_of(device) != &gpu || device.mig_index != index || device.absent) continue;
      *mig = &device;
      return NVML_SUCCESS;
    }
    return NVML_ERROR_NOT_FOUND;
  });
}

EXPORT nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t handle, unsigned *is_mig) {
  return fact(handle, [&](const SimulatedDevice &device) {
    *is_mig = is_instance(device);
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t handle, nvmlDevice_t *gpu) {
  return instance(handle, [&](const SimulatedDevice &device) {
    *gpu = &nvml_state()->devices[device.parent];
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t handle, unsigned *id) {
  return instance(handle, [&](const SimulatedDevice &device) {
    *id = device.gpu_instance;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t handle, unsigned *id) {
  return instance(handle, [&](const SimulatedDevice &device) {
    *id = device.compute_instance;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t handle, nvmlDeviceAttributes_t *attributes) {
  return instance(handle, [&](const SimulatedDevice &device) {
    *attributes = {};
    attributes->multiprocessorCount = device.multiprocessors;
    attributes->gpuInstanceSliceCount = device.gpu_slices;
    attributes->computeInstanceSliceCount = device.compute_slices;
    attributes->memorySizeMB = device.memory_bytes >> 20;
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t handle, unsigned long long *types) {
  return fact(handle, [&](const SimulatedDevice &device) {
    *types = kNvmlEventXid | (device.ecc ? kNvmlEventDoubleBitEcc : 0);
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set) {
  const Call call;
  SimulatedState *state = nvml_state();
  if (!state) return NVML_ERROR_UNINITIALIZED;
  auto *made = new EventSet();
  made->seen = state->events_told;
  *set = made;
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) {
  delete static_cast<EventSet *>(set);
  return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t handle, unsigned long long, nvmlEventSet_t set) {
  return fact(handle, [&](SimulatedDevice &device) {
    auto *events = static_cast<EventSet *>(set);
    const std::lock_guard<std::mutex> lock(events->mutex);
    events->devices.insert(&device);
    return NVML_SUCCESS;
  });
}

EXPORT nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned milliseconds) {
  for (unsigned waited = 0;; waited += kLookMilliseconds) {
    // One call each time, so that it notices that NVML was shut down.
    const Call call;
    SimulatedState *state = nvml_state();
    if (!state) return NVML_ERROR_UNINITIALIZED;
    if (take_event(*state, *static_cast<EventSet *>(set), *data)) return NVML_SUCCESS;
    if (waited >= milliseconds) return NVML_ERROR_TIMEOUT;
    usleep(kLookMilliseconds * 1000);
  }
}

EXPORT nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_t *data, unsigned milliseconds) {
  return nvmlEventSetWait_v2(set, data, milliseconds);
}

#endif
