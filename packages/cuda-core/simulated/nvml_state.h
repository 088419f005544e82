#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "../native/nvml_types.h"
#include "processes.h"
#include "state.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

/** The state for as long as NVML is initialised; null otherwise. */
SimulatedState *nvml_state();

/** Takes this long, as a driver whose device doesn't answer; less, where it is told so meanwhile. */
void take_long(const std::atomic<uint32_t> &milliseconds);

nvmlReturn_t copy_text(const char *text, char *buffer, unsigned size);

/** The GPUs that are there, in the driver's order. */
std::vector<SimulatedDevice *> present_gpus(SimulatedState &state);

/** The device of a handle that we gave out, or why there is none. One that is lost is so through every handle. */
nvmlReturn_t device_of(nvmlDevice_t handle, SimulatedDevice *&device);

inline bool is_instance(const SimulatedDevice &device) { return device.parent != kNoParent; }

/** What carries a device: itself, or its GPU. */
inline SimulatedDevice &board_of(SimulatedDevice &device) {
  return is_instance(device) ? nvml_state()->devices[device.parent] : device;
}

/** Answers for what doesn't change of a device. */
template <typename Answer> nvmlReturn_t fact(nvmlDevice_t handle, Answer answer) {
  SimulatedDevice *device = nullptr;
  const nvmlReturn_t result = device_of(handle, device);
  if (result != NVML_SUCCESS) return result;
  return answer(*device);
}

/** Answers for a figure of a device, where the device tells its figures. */
template <typename Answer> nvmlReturn_t figure(nvmlDevice_t handle, Answer answer) {
  return fact(handle, [&](SimulatedDevice &device) {
    take_long(board_of(device).hang_milliseconds);
    const auto result = static_cast<nvmlReturn_t>(device.figures_result.load());
    return result == NVML_SUCCESS ? answer(device) : result;
  });
}

/** As `figure`, for what only a whole GPU has. */
template <typename Answer> nvmlReturn_t gpu_figure(nvmlDevice_t handle, Answer answer) {
  return figure(handle, [&](SimulatedDevice &device) { return is_instance(device) ? NVML_ERROR_NOT_SUPPORTED : answer(device); });
}
