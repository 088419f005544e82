#pragma once

#include <napi.h>
#include <vector>

#include "nvml.h"

/** What NVML told, as plain values of JavaScript: unknown figures are null. */
Napi::Value enumeration(Napi::Env env, const DriverFacts &driver, const std::vector<DeviceFacts> &devices);
Napi::Value sample_list(Napi::Env env, const std::vector<DeviceSample> &samples);
/** An Error with a `code`. */
Napi::Value failure(Napi::Env env, const DriverFailure &failure);
