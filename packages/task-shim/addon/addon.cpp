#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <napi.h>
#include <string>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock_waiter.h"
#include "spawn_detached.h"

namespace {

[[noreturn]] void fail(Napi::Env env, const std::string &what, int error) {
  Napi::Error failure = Napi::Error::New(env, what + ": " + std::strerror(error));
  failure.Set("code", Napi::String::New(env, strerrorname_np(error)));
  throw failure;
}

/** tryLock(path): the descriptor that holds the lock, or -1 where somebody else has it. */
Napi::Value try_lock(const Napi::CallbackInfo &info) {
  const std::string path = info[0].As<Napi::String>();
  const int fd = open_lock_file(path.c_str());
  if (fd < 0) fail(info.Env(), path, errno);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return Napi::Number::New(info.Env(), fd);
  const int error = errno;
  close(fd);
  if (error != EWOULDBLOCK) fail(info.Env(), path, error);
  return Napi::Number::New(info.Env(), -1);
}

Napi::Value close_descriptor(const Napi::CallbackInfo &info) {
  close(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

/** makePipe(): [read, write], both close-on-exec. */
Napi::Value make_pipe(const Napi::CallbackInfo &info) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail(info.Env(), "no pipe", errno);
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair[0u] = Napi::Number::New(info.Env(), ends[0]);
  pair[1u] = Napi::Number::New(info.Env(), ends[1]);
  return pair;
}

/**
 * signalHolder(path, pid, signal): signals the process that holds a lock, if it does. The pidfd is taken first, then the
 * lock is looked at: held, and by whom the caller says, that process can't have been another when the pidfd was taken.
 */
Napi::Value signal_holder(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  const int process =
      static_cast<int>(syscall(SYS_pidfd_open, info[1].As<Napi::Number>().Int32Value(), 0));
  if (process < 0) return Napi::Boolean::New(env, false);
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  const bool sent = held && syscall(SYS_pidfd_send_signal, process, info[2].As<Napi::Number>().Int32Value(), nullptr, 0) == 0;
  if (fd >= 0) close(fd);
  close(process);
  return Napi::Boolean::New(env, sent);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports["tryLock"] = Napi::Function::New(env, try_lock);
  exports["waitForLock"] = Napi::Function::New(env, wait_for_lock);
  exports["close"] = Napi::Function::New(env, close_descriptor);
  exports["makePipe"] = Napi::Function::New(env, make_pipe);
  exports["signalHolder"] = Napi::Function::New(env, signal_holder);
  exports["spawnDetached"] = Napi::Function::New(env, spawn_detached);
  return exports;
}

}  // namespace

NODE_API_MODULE(process_locks, init)
