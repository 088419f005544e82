#include <cerrno>
#include <fcntl.h>
#include <napi.h>
#include <string>
#include <sys/file.h>
#include <unistd.h>

#include "accounts.h"
#include "failure.h"
#include "lock_holder.h"
#include "lock_waiter.h"
#include "spawn_detached.h"

namespace {

constexpr int kTries = 4;
constexpr useconds_t kMomentMicroseconds = 300;

/** tryLock(path): the descriptor that holds the lock, or -1 where somebody else has it. */
Napi::Value try_lock(const Napi::CallbackInfo &info) {
  const std::string path = info[0].As<Napi::String>();
  const int fd = open_lock_file(path.c_str());
  if (fd < 0) fail(info.Env(), path, errno);
  int result = flock(fd, LOCK_EX | LOCK_NB);
  // A look at a lock, and a wait that was given up, hold it for a moment: that isn't somebody who has it.
  for (int again = 0; result != 0 && errno == EWOULDBLOCK && again < kTries - 1; ++again) {
    usleep(kMomentMicroseconds);
    result = flock(fd, LOCK_EX | LOCK_NB);
  }
  if (result == 0) return Napi::Number::New(info.Env(), fd);
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

/** freeBeginning(fd, bytes): whether the file system can give back what the file's first bytes take. */
Napi::Value free_beginning(const Napi::CallbackInfo &info) {
  const off_t bytes = info[1].As<Napi::Number>().Int64Value();
  const int result = fallocate(info[0].As<Napi::Number>().Int32Value(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, bytes);
  if (result != 0 && errno != EOPNOTSUPP) fail(info.Env(), "no space was freed", errno);
  return Napi::Boolean::New(info.Env(), result == 0);
}

Napi::Value lock_is_held(const Napi::CallbackInfo &info) {
  const std::string path = info[0].As<Napi::String>();
  return Napi::Boolean::New(info.Env(), is_locked(path.c_str()));
}

/** signalHolder(path, pid, signal): whether it was sent. */
Napi::Value signal_holder(const Napi::CallbackInfo &info) {
  const std::string path = info[0].As<Napi::String>();
  return Napi::Boolean::New(info.Env(), signal_lock_holder(path.c_str(), info[1].As<Napi::Number>().Int32Value(),
                                                           info[2].As<Napi::Number>().Int32Value()));
}

/** orderHolder(path, pid, purpose, signal): whether it was sent. */
Napi::Value order_holder(const Napi::CallbackInfo &info) {
  const std::string path = info[0].As<Napi::String>();
  const Order order = {static_cast<Order::Purpose>(info[2].As<Napi::Number>().Int32Value()),
                       info[3].As<Napi::Number>().Int32Value()};
  return Napi::Boolean::New(info.Env(),
                            order_lock_holder(path.c_str(), info[1].As<Napi::Number>().Int32Value(), order));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports["isLocked"] = Napi::Function::New(env, lock_is_held);
  exports["tryLock"] = Napi::Function::New(env, try_lock);
  exports["waitForLock"] = Napi::Function::New(env, wait_for_lock);
  exports["close"] = Napi::Function::New(env, close_descriptor);
  exports["freeBeginning"] = Napi::Function::New(env, free_beginning);
  exports["makePipe"] = Napi::Function::New(env, make_pipe);
  exports["signalHolder"] = Napi::Function::New(env, signal_holder);
  exports["orderHolder"] = Napi::Function::New(env, order_holder);
  exports["spawnDetached"] = Napi::Function::New(env, spawn_detached);
  exports["endingOf"] = Napi::Function::New(env, ending_of);
  exports["peerCredentials"] = Napi::Function::New(env, peer_credentials);
  exports["accountOf"] = Napi::Function::New(env, account_of);
  return exports;
}

}  // namespace

NODE_API_MODULE(process_locks, init)
