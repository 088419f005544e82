#include "driver.h"

#include "answers.h"

namespace {

Nvml &opened(std::unique_ptr<Nvml> &nvml) {
  if (!nvml) throw DriverFailure("driver_closed", "the driver is closed");
  return *nvml;
}

}  // namespace

Napi::Function Driver::define(Napi::Env env) {
  return DefineClass(env, "Driver",
                     {InstanceMethod<&Driver::open>("open"), InstanceMethod<&Driver::enumerate>("enumerate"),
                      InstanceMethod<&Driver::sample>("sample"), InstanceMethod<&Driver::close>("close")});
}

Driver::Driver(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<Driver>(info), directory_(info[0].As<Napi::String>()), channel_(AnswerChannel::open(info.Env())) {}

Driver::~Driver() {
  channel_->close(Env());
  // One that nobody closed is shut down on its own thread too, not on the one that collects garbage.
  thread_.run([nvml = nvml_] { nvml->reset(); });
}

Napi::Value Driver::open(const Napi::CallbackInfo &info) {
  return ask(info.Env(), [directory = directory_](std::unique_ptr<Nvml> &nvml) -> Answer {
    nvml = Nvml::open(directory);
    return [](Napi::Env env) { return env.Undefined(); };
  });
}

Napi::Value Driver::enumerate(const Napi::CallbackInfo &info) {
  return ask(info.Env(), [](std::unique_ptr<Nvml> &nvml) -> Answer {
    return [driver = opened(nvml).driver(), devices = opened(nvml).devices()](Napi::Env env) {
      return enumeration(env, driver, devices);
    };
  });
}

Napi::Value Driver::sample(const Napi::CallbackInfo &info) {
  return ask(info.Env(), [](std::unique_ptr<Nvml> &nvml) -> Answer {
    return [samples = opened(nvml).samples()](Napi::Env env) { return sample_list(env, samples); };
  });
}

Napi::Value Driver::close(const Napi::CallbackInfo &info) {
  return ask(info.Env(), [](std::unique_ptr<Nvml> &nvml) -> Answer {
    nvml.reset();
    return [](Napi::Env env) { return env.Undefined(); };
  });
}

Napi::Value Driver::ask(Napi::Env env, Question question) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  // Whoever waits for an answer holds the promise, not this object: it must not be collected before it has answered.
  Ref();
  thread_.run([this, nvml = nvml_, channel = channel_, question = std::move(question), deferred] {
    std::function<void(Napi::Env)> settle;
    try {
      settle = [deferred, answer = question(*nvml)](Napi::Env main) { deferred.Resolve(answer(main)); };
    } catch (const DriverFailure &failed) {
      settle = [deferred, failed](Napi::Env main) { deferred.Reject(failure(main, failed)); };
    }
    channel->post([this, settle = std::move(settle)](Napi::Env main) {
      settle(main);
      Unref();
    });
  });
  return deferred.Promise();
}
