#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>
#include <unistd.h>
#include <vector>

#include "../native/nvml_types.h"
#include "processes.h"
#include "state.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

/**
 * A question that is being answered. What it looks at stays mapped until it is over, whoever shuts NVML down meanwhile: it may
 * hang for long, and a real driver survives that too. Questions within a question see what it sees.
 */
class Call {
 public:
  Call();
  ~Call();
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;
};

/** Within a call: the state, where NVML was initialised when it began; null otherwise. */
SimulatedState *nvml_state();

/** Takes as long as `milliseconds` says, as a driver that doesn't answer; less, where it says so meanwhile. */
template <typename Milliseconds> void take_long(Milliseconds milliseconds) {
  const auto began = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - began < std::chrono::milliseconds(milliseconds())) usleep(1000);
}

nvmlReturn_t copy_text(const char *text, char *buffer, unsigned size);

/** The GPUs that are there, in the driver's order. */
std::vector<SimulatedDevice *> present_gpus(SimulatedState &state);

inline bool is_instance(const SimulatedDevice &device) { return device.parent != kNoParent; }

/** What carries a device: itself, or its GPU. */
inline SimulatedDevice &board_of(SimulatedDevice &device) {
  return is_instance(device) ? nvml_state()->devices[device.parent] : device;
}

/** The device of a handle that we gave out, or why there is none. One that is lost is so through every handle. */
nvmlReturn_t device_of(nvmlDevice_t handle, SimulatedDevice *&device);

/** Whether a device is still there: an instance isn't without its GPU. */
nvmlReturn_t reached(SimulatedDevice &device);

/** Answers for what doesn't change of a device. */
template <typename Answer> nvmlReturn_t fact(nvmlDevice_t handle, Answer answer) {
  const Call call;
  SimulatedDevice *device = nullptr;
  const nvmlReturn_t result = device_of(handle, device);
  if (result != NVML_SUCCESS) return result;
  return answer(*device);
}

/** Answers for a figure of a device, where the device tells its figures. */
template <typename Answer> nvmlReturn_t figure(nvmlDevice_t handle, Answer answer) {
  return fact(handle, [&](SimulatedDevice &device) {
    take_long([&] { return std::max(device.hang_milliseconds.load(), board_of(device).hang_milliseconds.load()); });
    // It may have been lost while it was waited for.
    nvmlReturn_t result = reached(device);
    if (result == NVML_SUCCESS) result = static_cast<nvmlReturn_t>(device.figures_result.load());
    return result == NVML_SUCCESS ? answer(device) : result;
  });
}

/** As `figure`, for what only a whole GPU has. */
template <typename Answer> nvmlReturn_t gpu_figure(nvmlDevice_t handle, Answer answer) {
  return figure(handle, [&](SimulatedDevice &device) { return is_instance(device) ? NVML_ERROR_NOT_SUPPORTED : answer(device); });
}
