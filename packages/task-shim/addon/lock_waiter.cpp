#include "lock_waiter.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <pthread.h>
#include <string>
#include <sys/file.h>
#include <unistd.h>

namespace {

/**
 * The wait has a thread of its own, for it may last for weeks, and libuv's pool has four. The thread sleeps in the kernel;
 * it can't be woken without the lock, so giving up only marks the wait, and the process may end over it.
 */
struct Wait {
  std::string path;
  std::atomic<bool> given_up{false};
  Napi::ThreadSafeFunction done;
};

constexpr size_t kStackBytes = 64 << 10;

struct Outcome {
  int fd;
  int error;
};

void *run(void *argument) {
  const std::unique_ptr<std::shared_ptr<Wait>> owned(static_cast<std::shared_ptr<Wait> *>(argument));
  Wait &wait = **owned;
  Outcome outcome = {open_lock_file(wait.path.c_str()), 0};
  int result = outcome.fd < 0 ? -1 : 0;
  if (result == 0) {
    do result = flock(outcome.fd, LOCK_EX);
    while (result != 0 && errno == EINTR);
  }
  if (result != 0) outcome.error = errno;
  if (wait.given_up) {
    if (outcome.fd >= 0) close(outcome.fd);
  } else {
    const std::shared_ptr<Wait> shared = *owned;
    wait.done.BlockingCall([shared, outcome](Napi::Env env, Napi::Function callback) {
      // Without an environment Node is on its way out, and nothing can be called.
      if (shared->given_up || static_cast<napi_env>(env) == nullptr) {
        if (outcome.fd >= 0) close(outcome.fd);
        return;
      }
      const Napi::Value error =
          outcome.error ? Napi::String::New(env, strerrorname_np(outcome.error)).As<Napi::Value>() : env.Null();
      try {
        callback.Call({error, Napi::Number::New(env, outcome.fd)});
      } catch (const Napi::Error &) {
        // Only at the end of the process: the callback itself doesn't throw.
        if (outcome.fd >= 0) close(outcome.fd);
      }
    });
  }
  wait.done.Release();
  return nullptr;
}

}  // namespace

int open_lock_file(const char *path) { return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); }

Napi::Value wait_for_lock(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  auto wait = std::make_shared<Wait>();
  wait->path = info[0].As<Napi::String>();
  wait->done = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "berth.waitForLock", 0, 1);
  wait->done.Unref(env);

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_t thread;
  auto *argument = new std::shared_ptr<Wait>(wait);
  const int failed = pthread_create(&thread, &attributes, run, argument);
  pthread_attr_destroy(&attributes);
  if (failed) {
    delete argument;
    wait->done.Release();
    throw Napi::Error::New(env, std::string("no thread to wait for a lock: ") + std::strerror(failed));
  }
  return Napi::Function::New(env, [wait](const Napi::CallbackInfo &) { wait->given_up = true; });
}
