#pragma once

#include <functional>
#include <memory>
#include <napi.h>
#include <string>

#include "answer_channel.h"
#include "driver_thread.h"
#include "nvml.h"

/** A driver as JavaScript holds it: each method asks the driver's thread and gives a promise. */
class Driver : public Napi::ObjectWrap<Driver> {
 public:
  static Napi::Function define(Napi::Env env);

  /** Driver(directory): where the libraries are; empty for the linker's search. */
  explicit Driver(const Napi::CallbackInfo &info);
  ~Driver() override;

 private:
  /** Makes an answer's JavaScript value, back on JavaScript's thread. */
  using Answer = std::function<Napi::Value(Napi::Env)>;
  /** Asks on the driver's thread. @throws DriverFailure */
  using Question = std::function<Answer(std::unique_ptr<Nvml> &)>;

  Napi::Value open(const Napi::CallbackInfo &info);
  Napi::Value enumerate(const Napi::CallbackInfo &info);
  Napi::Value sample(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);

  Napi::Value ask(Napi::Env env, Question question);

  const std::string directory_;
  /** Shared with the thread, which may be in a call of the driver longer than this object lives. */
  const std::shared_ptr<std::unique_ptr<Nvml>> nvml_ = std::make_shared<std::unique_ptr<Nvml>>();
  const std::shared_ptr<AnswerChannel> channel_;
  DriverThread thread_;
};
