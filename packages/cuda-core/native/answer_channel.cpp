#include "answer_channel.h"

std::shared_ptr<AnswerChannel> AnswerChannel::open(Napi::Env env) {
  auto channel = std::make_shared<AnswerChannel>();
  const Napi::Function nothing = Napi::Function::New(env, [](const Napi::CallbackInfo &) {});
  channel->function_ = Napi::ThreadSafeFunction::New(env, nothing, "berth.driver", 0, 1);
  channel->function_.Unref(env);
  // Hooks run last in, first out: this one before the function's own, which frees it.
  napi_add_env_cleanup_hook(env, environment_ends, channel.get());
  return channel;
}

void AnswerChannel::post(std::function<void(Napi::Env)> answer) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!open_) return;
  function_.NonBlockingCall([answer = std::move(answer)](Napi::Env env, Napi::Function) {
    // Without an environment Node is on its way out, and there is nobody to answer.
    if (static_cast<napi_env>(env) == nullptr) return;
    try {
      answer(env);
    } catch (const Napi::Error &) {
      // Only at the end of the process, when JavaScript can't be called any more.
    }
  });
}

void AnswerChannel::close(Napi::Env env) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!open_) return;
  open_ = false;
  napi_remove_env_cleanup_hook(env, environment_ends, this);
  function_.Release();
}

void AnswerChannel::environment_ends(void *channel) {
  auto *self = static_cast<AnswerChannel *>(channel);
  const std::lock_guard<std::mutex> lock(self->mutex_);
  self->open_ = false;
}
