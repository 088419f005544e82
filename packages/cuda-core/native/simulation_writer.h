#pragma once

#include <napi.h>

/** writeSimulation(path, devices, driver): makes the state file of a simulated driver, unless it has these devices already. */
Napi::Value write_simulation(const Napi::CallbackInfo &info);
/** simulatedUuids(path): the devices of a state file, or null where it is none. */
Napi::Value simulated_uuids(const Napi::CallbackInfo &info);
/** changeSimulation(path, change): changes a state file under a running driver. */
Napi::Value change_simulation(const Napi::CallbackInfo &info);
