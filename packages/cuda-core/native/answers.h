#pragma once

#include <napi.h>
#include <vector>

#include "device_model.h"

/** What the driver told, as plain values of JavaScript: unknown figures are null. */
Napi::Value driver_facts(Napi::Env env, const DriverFacts &driver);
Napi::Value device_list(Napi::Env env, const std::vector<DeviceFacts> &devices);
Napi::Value link_list(Napi::Env env, const std::vector<LinkFacts> &links);
Napi::Value sample_of(Napi::Env env, const DeviceSample &sample);
Napi::Value event_list(Napi::Env env, const std::vector<DeviceEvent> &events);
/** An Error with a `code`. */
Napi::Value failure(Napi::Env env, const DriverFailure &failure);
