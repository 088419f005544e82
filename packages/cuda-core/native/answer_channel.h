#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <napi.h>

/**
 * Brings answers from the driver's thread to JavaScript's. It keeps no process alive.
 *
 * A call of the driver may come back when its environment is gone. Node frees a thread-safe function at the end of the
 * environment, whoever still holds it (nodejs/node#55706); so the function is touched only under a lock, and the
 * environment's end, which is told to us first, shuts the channel under the same lock. Later answers go nowhere.
 */
class AnswerChannel {
 public:
  static std::shared_ptr<AnswerChannel> open(Napi::Env env);

  /** Runs `answer` on JavaScript's thread, if that is still there. From any thread. */
  void post(std::function<void(Napi::Env)> answer);

  /** On JavaScript's thread, when no answer is wanted any more. */
  void close(Napi::Env env);

 private:
  static void environment_ends(void *channel);

  std::mutex mutex_;
  bool open_ = true;
  Napi::ThreadSafeFunction function_;
};
