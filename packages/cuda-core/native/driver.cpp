#include "driver.h"

#include "answers.h"

std::shared_ptr<Nvml> Driver::Slot::opened() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!nvml) throw DriverFailure("driver_closed", "the driver is closed");
  return nvml;
}

std::shared_ptr<Nvml> Driver::Slot::put(std::shared_ptr<Nvml> next) {
  const std::lock_guard<std::mutex> lock(mutex);
  std::swap(nvml, next);
  return next;
}

Napi::Function Driver::define(Napi::Env env) {
  return DefineClass(env, "Driver",
                     {InstanceMethod<&Driver::open>("open"), InstanceMethod<&Driver::facts>("facts"),
                      InstanceMethod<&Driver::count>("count"), InstanceMethod<&Driver::gpu>("gpu"),
                      InstanceMethod<&Driver::links>("links"), InstanceMethod<&Driver::sample>("sample"),
                      InstanceMethod<&Driver::events>("events"), InstanceMethod<&Driver::close>("close"),
                      InstanceMethod<&Driver::abandon>("abandon")});
}

Driver::Driver(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<Driver>(info), directory_(info[0].As<Napi::String>()), channel_(AnswerChannel::open(info.Env())) {}

Driver::~Driver() {
  channel_->close(Env());
  // One that nobody closed is shut down on its own thread too, not on the one that collects garbage.
  questions_->run([slot = slot_] {
    if (const auto nvml = slot->put(nullptr)) nvml->stop_waiting();
  });
}

Napi::Value Driver::open(const Napi::CallbackInfo &info) {
  return ask(*questions_, info.Env(), [slot = slot_, directory = directory_]() -> Answer {
    slot->put(Nvml::open(directory));
    return [](Napi::Env env) { return env.Undefined(); };
  });
}

Napi::Value Driver::facts(const Napi::CallbackInfo &info) {
  return ask(*questions_, info.Env(), [slot = slot_]() -> Answer {
    return [facts = slot->opened()->driver()](Napi::Env env) { return driver_facts(env, facts); };
  });
}

Napi::Value Driver::count(const Napi::CallbackInfo &info) {
  return ask(*questions_, info.Env(), [slot = slot_]() -> Answer {
    return [count = slot->opened()->count()](Napi::Env env) { return Napi::Number::New(env, count); };
  });
}

Napi::Value Driver::gpu(const Napi::CallbackInfo &info) {
  return ask(*questions_, info.Env(), [slot = slot_, index = info[0].As<Napi::Number>().Uint32Value()]() -> Answer {
    return [devices = slot->opened()->gpu(index)](Napi::Env env) { return device_list(env, devices); };
  });
}

Napi::Value Driver::links(const Napi::CallbackInfo &info) {
  return ask(*questions_, info.Env(), [slot = slot_, uuid = info[0].As<Napi::String>().Utf8Value()]() -> Answer {
    return [links = slot->opened()->links(uuid)](Napi::Env env) { return link_list(env, links); };
  });
}

Napi::Value Driver::sample(const Napi::CallbackInfo &info) {
  return ask(*questions_, info.Env(), [slot = slot_, uuid = info[0].As<Napi::String>().Utf8Value()]() -> Answer {
    return [sample = slot->opened()->sample(uuid)](Napi::Env env) { return sample_of(env, sample); };
  });
}

Napi::Value Driver::events(const Napi::CallbackInfo &info) {
  const uint32_t milliseconds = info[0].As<Napi::Number>();
  return ask(events_, info.Env(), [slot = slot_, milliseconds]() -> Answer {
    return [events = slot->opened()->wait_for_events(milliseconds)](Napi::Env env) { return event_list(env, events); };
  });
}

Napi::Value Driver::close(const Napi::CallbackInfo &info) {
  return ask(*questions_, info.Env(), [slot = slot_]() -> Answer {
    if (const auto nvml = slot->put(nullptr)) nvml->stop_waiting();
    return [](Napi::Env env) { return env.Undefined(); };
  });
}

Napi::Value Driver::abandon(const Napi::CallbackInfo &info) {
  questions_ = std::make_unique<DriverThread>();
  return info.Env().Undefined();
}

Napi::Value Driver::ask(DriverThread &thread, Napi::Env env, Question question) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  // Whoever waits for an answer holds the promise, not this object: it must not be collected before it has answered.
  Ref();
  thread.run([this, channel = channel_, question = std::move(question), deferred] {
    std::function<void(Napi::Env)> settle;
    try {
      settle = [deferred, answer = question()](Napi::Env main) { deferred.Resolve(answer(main)); };
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
