#pragma once

#include <csignal>
#include <optional>

/**
 * What a worker asks of a shim beyond a plain end. It comes as the value of a signal (sigqueue(3)) of a kind that queues,
 * unlike SIGTERM and its like: two orders in a row are two.
 */
struct Order {
  enum class Purpose {
    /** The signal goes to every process of the task. */
    warning = 0,
    drill = 1,
    /** The same, and it begins the task's end: after half the grace period comes SIGTERM, at its end SIGKILL. */
    end = 2,
  };
  Purpose purpose;
  /** What the task gets. */
  int signal;

  static int carrier() { return SIGRTMIN; }
  int value() const { return signal | static_cast<int>(purpose) << 8; }

  /** Nothing where the value is none of ours: whoever runs as the same user may send any. */
  static std::optional<Order> from(int value) {
    const int purpose = value >> 8, signal = value & 0xff;
    if (purpose < 0 || purpose > static_cast<int>(Purpose::end) || signal == 0 || signal > SIGSYS) return std::nullopt;
    return Order{static_cast<Purpose>(purpose), signal};
  }
};
