#include <napi.h>

#include "driver.h"
#include "simulation_writer.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports["Driver"] = Driver::define(env);
  exports["writeSimulation"] = Napi::Function::New(env, write_simulation);
  exports["simulatedUuids"] = Napi::Function::New(env, simulated_uuids);
  exports["changeSimulation"] = Napi::Function::New(env, change_simulation);
  return exports;
}

}  // namespace

NODE_API_MODULE(cuda_core, init)
