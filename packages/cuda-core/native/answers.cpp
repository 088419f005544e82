#include "answers.h"

#include <optional>
#include <string>

namespace {

template <typename Value> Napi::Value or_null(Napi::Env env, const std::optional<Value> &value) {
  if (!value) return env.Null();
  if constexpr (std::is_same_v<Value, std::string>) return Napi::String::New(env, *value);
  else return Napi::Number::New(env, static_cast<double>(*value));
}

}  // namespace

Napi::Value enumeration(Napi::Env env, const DriverFacts &driver, const std::vector<DeviceFacts> &devices) {
  Napi::Object facts = Napi::Object::New(env);
  facts["driverVersion"] = or_null(env, driver.driver_version);
  facts["cudaVersion"] = or_null(env, driver.cuda_version);
  facts["nvmlVersion"] = or_null(env, driver.nvml_version);
  facts["simulated"] = Napi::Boolean::New(env, driver.simulated);
  Napi::Array list = Napi::Array::New(env, devices.size());
  for (uint32_t i = 0; i < devices.size(); ++i) {
    Napi::Object device = Napi::Object::New(env);
    device["uuid"] = Napi::String::New(env, devices[i].uuid);
    device["index"] = Napi::Number::New(env, i);
    device["name"] = Napi::String::New(env, devices[i].name);
    device["memoryTotalBytes"] = or_null(env, devices[i].memory_total_bytes);
    device["computeCapability"] = or_null(env, devices[i].compute_capability);
    device["pciAddress"] = or_null(env, devices[i].pci_address);
    list[i] = device;
  }
  Napi::Object result = Napi::Object::New(env);
  result["driver"] = facts;
  result["devices"] = list;
  return result;
}

Napi::Value sample_list(Napi::Env env, const std::vector<DeviceSample> &samples) {
  Napi::Array list = Napi::Array::New(env, samples.size());
  for (uint32_t i = 0; i < samples.size(); ++i) {
    const DeviceSample &sample = samples[i];
    Napi::Object object = Napi::Object::New(env);
    object["uuid"] = Napi::String::New(env, sample.uuid);
    object["takenAt"] = Napi::Number::New(env, sample.taken_at_milliseconds);
    object["memoryUsedBytes"] = or_null(env, sample.memory_used_bytes);
    object["memoryFreeBytes"] = or_null(env, sample.memory_free_bytes);
    object["utilisation"] = or_null(env, sample.utilisation);
    object["temperatureCelsius"] = or_null(env, sample.temperature_celsius);
    object["powerWatts"] = or_null(env, sample.power_watts);
    object["processes"] = env.Null();
    if (sample.processes) {
      Napi::Array processes = Napi::Array::New(env, sample.processes->size());
      for (uint32_t j = 0; j < sample.processes->size(); ++j) {
        Napi::Object process = Napi::Object::New(env);
        process["pid"] = Napi::Number::New(env, (*sample.processes)[j].pid);
        process["memoryBytes"] = or_null(env, (*sample.processes)[j].memory_bytes);
        processes[j] = process;
      }
      object["processes"] = processes;
    }
    list[i] = object;
  }
  return list;
}

Napi::Value failure(Napi::Env env, const DriverFailure &failure) {
  Napi::Error error = Napi::Error::New(env, failure.what());
  error.Set("code", Napi::String::New(env, failure.code()));
  return error.Value();
}
