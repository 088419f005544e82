/*
 * Each wait has a thread of its own, for it may last for weeks, and libuv's pool has four. The thread sleeps in the kernel
 * and can't be woken without the lock, so giving up only marks the wait; and Node may end, or its environment may, over
 * threads that still sleep.
 *
 * That end is the hard part: Node deletes a thread-safe function with its environment, whoever still means to call it
 * (a call then locks a mutex that is gone, and aborts the process). But its finalizer runs first, always, in Node's
 * thread. So `Wait::mutex` decides: either the thread's call comes before the finalizer, or the thread sees `over` and
 * touches nothing of Node. The finalizer waits at the mutex only for a call, which never blocks: its queue has no bound.
 *
 * A lock that was got belongs to `Wait::fd` until JavaScript has taken it; whoever ends the wait instead closes it.
 */
#include "lock_waiter.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <string>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace {

constexpr size_t kStackBytes = 64 << 10;

struct Wait {
  std::string path;
  Napi::ThreadSafeFunction done;
  std::mutex mutex;
  /** Nobody wants to hear of it any more: given up, or Node's environment is gone. */
  bool over = false;
  bool environment_gone = false;
  int fd = -1;
  int error = 0;

  void end() {
    over = true;
    if (fd >= 0) close(fd);
    fd = -1;
  }
};

using SharedWait = std::shared_ptr<Wait>;

void acquire(Wait &wait, int &fd, int &error) {
  fd = open_lock_file(wait.path.c_str());
  int result = fd < 0 ? -1 : 0;
  if (result == 0) {
    do result = flock(fd, LOCK_EX);
    while (result != 0 && errno == EINTR);
  }
  if (result == 0) return;
  error = errno;
  if (fd >= 0) close(fd);
  fd = -1;
}

/** In Node's thread. */
void deliver(Napi::Env env, const Napi::Function &callback, const SharedWait &wait) {
  std::unique_lock<std::mutex> guard(wait->mutex);
  // Without an environment Node is on its way out, and the finalizer sees to the rest.
  if (wait->over || static_cast<napi_env>(env) == nullptr) return;
  const int fd = std::exchange(wait->fd, -1);
  wait->over = true;
  const int error = wait->error;
  guard.unlock();  // The callback is free to give up, or to wait again.
  try {
    const Napi::Value code = error ? Napi::String::New(env, strerrorname_np(error)).As<Napi::Value>() : env.Null();
    callback.Call({code, Napi::Number::New(env, fd)});
  } catch (const Napi::Error &) {
    // Only at the end of the process: the callback itself doesn't throw.
    if (fd >= 0) close(fd);
  }
}

void *run(void *argument) {
  const std::unique_ptr<SharedWait> owned(static_cast<SharedWait *>(argument));
  const SharedWait &wait = *owned;
  int fd = -1, error = 0;
  acquire(*wait, fd, error);

  const std::lock_guard<std::mutex> guard(wait->mutex);
  wait->fd = fd;
  wait->error = error;
  if (wait->over) wait->end();
  if (wait->environment_gone) return nullptr;
  if (!wait->over) {
    const SharedWait shared = wait;
    const auto call = [shared](Napi::Env env, Napi::Function callback) { deliver(env, callback, shared); };
    if (wait->done.BlockingCall(call) != napi_ok) wait->end();
  }
  wait->done.Release();
  return nullptr;
}

}  // namespace

int open_lock_file(const char *path) {
  // Not made anew where it is there: in a folder that all may write to the kernel refuses that for others' files
  // (fs.protected_regular).
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  return fd >= 0 || errno != ENOENT ? fd : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

Napi::Value wait_for_lock(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  auto wait = std::make_shared<Wait>();
  wait->path = info[0].As<Napi::String>();
  const auto finalize = [](Napi::Env, SharedWait *finished) {
    const std::unique_ptr<SharedWait> owned(finished);
    const std::lock_guard<std::mutex> guard((*owned)->mutex);
    (*owned)->environment_gone = true;
    (*owned)->end();
  };
  wait->done = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "berth.waitForLock", 0, 1, finalize,
                                             new SharedWait(wait));
  wait->done.Unref(env);

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_t thread;
  auto *argument = new SharedWait(wait);
  const int failed = pthread_create(&thread, &attributes, run, argument);
  pthread_attr_destroy(&attributes);
  if (failed) {
    delete argument;
    wait->done.Release();
    throw Napi::Error::New(env, std::string("no thread to wait for a lock: ") + std::strerror(failed));
  }
  return Napi::Function::New(env, [wait](const Napi::CallbackInfo &) {
    const std::lock_guard<std::mutex> guard(wait->mutex);
    wait->end();
  });
}
