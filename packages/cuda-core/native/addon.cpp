#include <functional>
#include <memory>
#include <napi.h>
#include <optional>
#include <string>

#include "driver_thread.h"
#include "nvml.h"
#include "simulation_writer.h"

namespace {

template <typename Value> Napi::Value or_null(Napi::Env env, const std::optional<Value> &value) {
  if (!value) return env.Null();
  if constexpr (std::is_same_v<Value, std::string>) return Napi::String::New(env, *value);
  else return Napi::Number::New(env, static_cast<double>(*value));
}

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

/** A driver as JavaScript holds it: each method asks the driver's thread and gives a promise. */
class Driver : public Napi::ObjectWrap<Driver> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Driver",
                       {InstanceMethod<&Driver::open>("open"), InstanceMethod<&Driver::enumerate>("enumerate"),
                        InstanceMethod<&Driver::sample>("sample"), InstanceMethod<&Driver::close>("close")});
  }

  /** Driver(directory): where the libraries are; empty for the linker's search. */
  explicit Driver(const Napi::CallbackInfo &info)
      : Napi::ObjectWrap<Driver>(info), directory_(info[0].As<Napi::String>()) {}

 private:
  /** Makes an answer's JavaScript value, back on JavaScript's thread. */
  using Answer = std::function<void(Napi::Env, Napi::Promise::Deferred)>;

  Napi::Value ask(Napi::Env env, std::function<Answer(std::unique_ptr<Nvml> &)> question) {
    const auto deferred = Napi::Promise::Deferred::New(env);
    const Napi::Function nothing = Napi::Function::New(env, [](const Napi::CallbackInfo &) {});
    auto settle = Napi::ThreadSafeFunction::New(env, nothing, "berth.driver", 0, 1);
    thread_.run([nvml = nvml_, question = std::move(question), deferred, settle]() mutable {
      Answer answer = question(*nvml);
      settle.BlockingCall([answer = std::move(answer), deferred](Napi::Env main, Napi::Function) {
        // Without an environment Node is on its way out, and there is nobody to answer.
        if (static_cast<napi_env>(main) == nullptr) return;
        try {
          answer(main, deferred);
        } catch (const Napi::Error &) {
          // Only at the end of the process, when JavaScript can't be called any more.
        }
      });
      settle.Release();
    });
    return deferred.Promise();
  }

  Napi::Value open(const Napi::CallbackInfo &info) {
    return ask(info.Env(), [directory = directory_](std::unique_ptr<Nvml> &nvml) -> Answer {
      DriverFailure failure;
      nvml = Nvml::open(directory, failure);
      if (nvml) return [](Napi::Env env, Napi::Promise::Deferred deferred) { deferred.Resolve(env.Undefined()); };
      return [failure](Napi::Env env, Napi::Promise::Deferred deferred) {
        Napi::Error error = Napi::Error::New(env, failure.detail);
        error.Set("code", Napi::String::New(env, failure.code));
        deferred.Reject(error.Value());
      };
    });
  }

  Napi::Value enumerate(const Napi::CallbackInfo &info) {
    return ask(info.Env(), [](std::unique_ptr<Nvml> &nvml) -> Answer {
      if (!nvml) return closed;
      return [driver = nvml->driver(), devices = nvml->devices()](Napi::Env env, Napi::Promise::Deferred deferred) {
        deferred.Resolve(enumeration(env, driver, devices));
      };
    });
  }

  Napi::Value sample(const Napi::CallbackInfo &info) {
    return ask(info.Env(), [](std::unique_ptr<Nvml> &nvml) -> Answer {
      if (!nvml) return closed;
      return [samples = nvml->samples()](Napi::Env env, Napi::Promise::Deferred deferred) {
        deferred.Resolve(sample_list(env, samples));
      };
    });
  }

  Napi::Value close(const Napi::CallbackInfo &info) {
    return ask(info.Env(), [](std::unique_ptr<Nvml> &nvml) -> Answer {
      nvml.reset();
      return [](Napi::Env env, Napi::Promise::Deferred deferred) { deferred.Resolve(env.Undefined()); };
    });
  }

  static void closed(Napi::Env env, Napi::Promise::Deferred deferred) {
    deferred.Reject(Napi::Error::New(env, "the driver is closed").Value());
  }

  const std::string directory_;
  /** Shared with the thread, which may be in a call of the driver longer than this object lives. */
  const std::shared_ptr<std::unique_ptr<Nvml>> nvml_ = std::make_shared<std::unique_ptr<Nvml>>();
  DriverThread thread_;
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports["Driver"] = Driver::define(env);
  exports["writeSimulation"] = Napi::Function::New(env, write_simulation);
  exports["simulatedUuids"] = Napi::Function::New(env, simulated_uuids);
  exports["changeSimulation"] = Napi::Function::New(env, change_simulation);
  return exports;
}

}  // namespace

NODE_API_MODULE(cuda_core, init)
