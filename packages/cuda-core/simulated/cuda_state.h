#pragma once

#include <vector>

#include "state.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

using CUresult = int;
using CUdevice = int;

constexpr CUresult kSuccess = 0;
constexpr CUresult kInvalidValue = 1;
constexpr CUresult kOutOfMemory = 2;
constexpr CUresult kNotInitialized = 3;
constexpr CUresult kNoDevice = 100;
constexpr CUresult kInvalidDevice = 101;
constexpr CUresult kInvalidContext = 201;
constexpr CUresult kNotFound = 500;
constexpr CUresult kContextIsDestroyed = 709;
constexpr CUresult kUnknown = 999;

/** The state, once cuInit has found it: for as long as the process lives, as CUDA has no end but that. */
SimulatedState *cuda_state();

/** What the mask leaves visible, in CUDA's order; null where there is no such ordinal. */
SimulatedDevice *cuda_device(CUdevice device);
int cuda_device_count();

/** What carries a device: itself, or a MIG instance's GPU. */
SimulatedDevice &cuda_board(SimulatedDevice &device);
