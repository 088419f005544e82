#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

/**
 * The one thread that talks to a driver. A driver's call may take seconds, or never come back: JavaScript's thread and
 * libuv's pool must not wait for it, nor the end of the process. So the thread is detached, and shares only this queue.
 */
class DriverThread {
 public:
  DriverThread();
  ~DriverThread();
  DriverThread(const DriverThread &) = delete;
  DriverThread &operator=(const DriverThread &) = delete;

  /** Runs `work` on the thread, after all that was asked for before. */
  void run(std::function<void()> work);

 private:
  struct Queue {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> work;
    bool closed = false;
  };
  std::shared_ptr<Queue> queue_;
};
