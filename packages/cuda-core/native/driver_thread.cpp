#include "driver_thread.h"

#include <pthread.h>
#include <thread>

DriverThread::DriverThread() : queue_(std::make_shared<Queue>()) {
  std::thread([queue = queue_] {
    // So that ps and top -H tell what it costs.
    pthread_setname_np(pthread_self(), "berth-driver");
    for (;;) {
      std::function<void()> work;
      {
        std::unique_lock<std::mutex> lock(queue->mutex);
        queue->changed.wait(lock, [&] { return queue->closed || !queue->work.empty(); });
        if (queue->work.empty()) return;
        work = std::move(queue->work.front());
        queue->work.pop_front();
      }
      work();
    }
  }).detach();
}

DriverThread::~DriverThread() {
  {
    const std::lock_guard<std::mutex> lock(queue_->mutex);
    queue_->closed = true;
  }
  queue_->changed.notify_one();
}

void DriverThread::run(std::function<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(queue_->mutex);
    queue_->work.push_back(std::move(work));
  }
  queue_->changed.notify_one();
}
