#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <napi.h>
#include <string>

#include "answer_channel.h"
#include "driver_thread.h"
#include "nvml.h"

/**
 * A driver as JavaScript holds it: each method asks on a thread and gives a promise. One thread asks all questions, one
 * after another, and another waits for events.
 */
class Driver : public Napi::ObjectWrap<Driver> {
 public:
  static Napi::Function define(Napi::Env env);

  /** Driver(directory): where the libraries are; empty for the linker's search. */
  explicit Driver(const Napi::CallbackInfo &info);
  ~Driver() override;

 private:
  /** NVML, while it is open. A call that hangs holds it too, so that it isn't shut down beneath it. */
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<Nvml> nvml;

    /** @throws DriverFailure driver_closed */
    std::shared_ptr<Nvml> opened();
    /** @returns what was in it */
    std::shared_ptr<Nvml> put(std::shared_ptr<Nvml> next);
  };

  /** Makes an answer's JavaScript value, back on JavaScript's thread. */
  using Answer = std::function<Napi::Value(Napi::Env)>;
  /** Asks on a thread of the driver's. @throws DriverFailure */
  using Question = std::function<Answer()>;

  Napi::Value open(const Napi::CallbackInfo &info);
  Napi::Value facts(const Napi::CallbackInfo &info);
  Napi::Value count(const Napi::CallbackInfo &info);
  Napi::Value gpu(const Napi::CallbackInfo &info);
  Napi::Value links(const Napi::CallbackInfo &info);
  Napi::Value sample(const Napi::CallbackInfo &info);
  Napi::Value events(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);
  /** Leaves the thread alone that is in a call which doesn't come back: later questions go to a new one. */
  Napi::Value abandon(const Napi::CallbackInfo &info);

  Napi::Value ask(DriverThread &thread, Napi::Env env, Question question);

  const std::string directory_;
  /** Shared with the threads, which may be in a call of the driver longer than this object lives. */
  const std::shared_ptr<Slot> slot_ = std::make_shared<Slot>();
  const std::shared_ptr<AnswerChannel> channel_;
  std::unique_ptr<DriverThread> questions_ = std::make_unique<DriverThread>();
  DriverThread events_;
};
