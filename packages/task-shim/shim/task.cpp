/*
 * The life of one task. The argument why nothing of it is lost or left:
 *
 * - The shim is a subreaper (prctl(2)): whatever the command starts, and however often it forks and detaches itself,
 *   its orphans become children of the shim. So "no process is left" is exactly "waitpid knows no child" (ECHILD),
 *   and all processes of the task are found below the shim in /proc.
 * - Signals are blocked and read from a signalfd. None can interrupt a write of a record or be lost between two looks.
 * - The start record is written by the command's process before it becomes the command; so without one it never ran.
 * - The exit record is written when ECHILD says that all is over, and before the lock goes (by the end of the process):
 *   so whoever gets the lock and finds no exit record knows that the shim itself was killed.
 *
 * How it ends: by itself, then what is left over gets SIGTERM and soon SIGKILL; or by SIGTERM to the shim, then all get
 * SIGTERM and after the grace period SIGKILL; or by an order, then all get its signal, after half the grace period SIGTERM
 * and at its end SIGKILL; or by SIGQUIT to the shim, then all get SIGKILL now.
 */
#include "task.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <fcntl.h>
#include <memory>
#include <set>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "control_group.h"
#include "log_writer.h"
#include "process_tree.h"
#include "records.h"

namespace {

constexpr size_t kReadBytes = 256 << 10;
/** Between two rounds of killing: for processes that take their time to die, in the kernel. */
constexpr double kKillAgainSeconds = 0.05;
constexpr int kReapedAtOnce = 64;
constexpr int kForwarded[] = {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCONT};

class Task {
 public:
  explicit Task(const Options &options)
      : options_(options), log_(options.directory, options.log_limit_bytes), buffer_(new char[kReadBytes]) {}

  int run();

 private:
  void watch(int fd);
  void on_signal(int signal);
  void on_timer();
  void reap();
  void end_leftovers();
  void take(const Order &order);
  void stop();
  void let_save(double since);
  void terminate();
  void kill_everything();
  void alarm_at(double at);
  Reach signal_all(std::initializer_list<int> signals) const { return signal_descendants(signals, command_group()); }
  static double now();
  bool pump(int fd, char stream);
  void drain();
  bool finish(std::optional<LaunchError> launch_error);
  void tell(std::string_view word);
  static std::set<pid_t> processes() { return descendants_of({getpid()}); }
  /** 0 once the command is reaped: then a stranger may have its number. */
  pid_t command_group() const { return ending_.ended_at == 0 ? command_.pid : 0; }

  const Options &options_;
  LogWriter log_;
  const std::unique_ptr<char[]> buffer_;
  Command command_;
  Ending ending_;
  bool all_ended_ = false;
  /** Whether the task is let save its work until SIGTERM comes. */
  bool saving_ = false;
  // On the monotonic clock; 0: never.
  double alarm_at_ = 0;
  double kill_at_ = 0;
  double signalled_at_ = 0;
  int epoll_ = -1;
  int signals_ = -1;
  int timer_ = -1;
};

int Task::run() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGCHLD, SIGTERM, SIGQUIT, Order::carrier()}) sigaddset(&mask, signal);
  for (const int signal : kForwarded) sigaddset(&mask, signal);
  sigprocmask(SIG_BLOCK, &mask, nullptr);
  signals_ = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);

  reserve_exit_record(options_.directory);
  bool written = false;
  ending_.started_at = now_ms();
  command_ = start_command(options_, [&](pid_t pid) {
    written = write_start_record(options_.directory, getppid(), pid, ending_.started_at);
    return written;
  });
  if (command_.error) {
    // Without a start record nobody would ever have known that it ran, so it did not.
    return written && finish(command_.error) ? 0 : 1;
  }
  tell("started\n");

  for (const int fd : {signals_, timer_, command_.stdout_fd, command_.stderr_fd}) watch(fd);
  while (!all_ended_) {
    epoll_event events[4];
    const int count = epoll_wait(epoll_, events, 4, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == signals_) {
        signalfd_siginfo info;
        if (read(signals_, &info, sizeof info) != sizeof info) continue;
        if (static_cast<int>(info.ssi_signo) != Order::carrier()) on_signal(static_cast<int>(info.ssi_signo));
        else if (const auto order = Order::from(info.ssi_int)) take(*order);
      } else if (fd == timer_) {
        on_timer();
      } else if (!pump(fd, fd == command_.stdout_fd ? 'o' : 'e')) {
        // Closed by all who had it; to go on watching it would wake us for ever.
        epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
      }
    }
  }
  drain();
  return finish(std::nullopt) ? 0 : 1;
}

void Task::watch(int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Task::on_signal(int signal) {
  if (signal == SIGCHLD) reap();
  else if (signal == SIGTERM) stop();
  else if (signal == SIGQUIT) kill_everything();
  else signal_all({signal});
}

void Task::take(const Order &order) {
  if (ending_.stop_requested_at) return;
  const bool ends = order.purpose == Order::Purpose::end;
  if (ends) ending_.stop_requested_at = now_ms();
  // A stopped process would save nothing; where it is to end, it is let go on.
  const Reach reach = ends ? signal_all({order.signal, SIGCONT}) : signal_all({order.signal});
  signalled_at_ = now();
  note_order(options_.directory, order, reach);
  if (!ends) return;
  ending_.checkpoint_signal = order.signal;
  let_save(signalled_at_);
}

/** SIGTERM comes half a grace period after the signal that told the task to save its work, SIGKILL at the end of it. */
void Task::let_save(double since) {
  saving_ = true;
  kill_at_ = since + options_.grace_seconds;
  alarm_at(since + options_.grace_seconds / 2);
}

/** A stopped process would get SIGTERM only when somebody lets it go on. */
void Task::terminate() {
  saving_ = false;
  ending_.term_sent_at = now_ms();
  signal_all({SIGTERM, SIGCONT});
}

void Task::stop() {
  if (ending_.stop_requested_at && !saving_) return;  // The grace period runs already.
  if (!ending_.stop_requested_at) ending_.stop_requested_at = now_ms();
  if (options_.grace_seconds <= 0) return kill_everything();
  const double latest = now() + options_.grace_seconds;
  if (saving_) alarm_at_ = 0;  // That was for SIGTERM, which goes now.
  kill_at_ = saving_ ? std::min(kill_at_, latest) : latest;
  terminate();
  alarm_at(kill_at_);
}

void Task::on_timer() {
  uint64_t expirations;
  if (read(timer_, &expirations, sizeof expirations) <= 0) return;
  alarm_at_ = 0;
  if (!saving_) return kill_everything();
  terminate();
  alarm_at(kill_at_);
}

void Task::kill_everything() {
  alarm_at_ = 0;
  // A fork bomb outruns any list of processes on a busy host. But it mostly stays in the command's group, and that is
  // stopped by the kernel at once: a fork under way fails over the pending signal.
  if (const pid_t group = command_group()) kill(-group, SIGSTOP);
  // Asked first: the group's end may leave nobody to be found.
  if (!processes().empty()) ending_.killed = true;
  if (!options_.control_group.empty()) kill_group(options_.control_group);
  kill_all(processes);
  alarm_at(now() + kKillAgainSeconds);
}

/** Of two deadlines the earlier one counts: a stop that comes late must not give leftovers more time. */
void Task::alarm_at(double at) {
  if (alarm_at_ != 0 && alarm_at_ <= at) return;
  alarm_at_ = at;
  const double seconds = std::max(0.0, at - now());
  itimerspec when = {};
  when.it_value.tv_sec = static_cast<time_t>(seconds);
  when.it_value.tv_nsec = static_cast<long>((seconds - static_cast<double>(when.it_value.tv_sec)) * 1e9);
  if (when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0) when.it_value.tv_nsec = 1;
  timerfd_settime(timer_, 0, &when, nullptr);
}

double Task::now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void Task::reap() {
  bool command_ended = false;
  for (int reaped = 0;; ++reaped) {
    // Where processes come and go faster than they are reaped, there is more to see to: a SIGTERM, and the output.
    if (reaped == kReapedAtOnce) {
      kill(getpid(), SIGCHLD);
      break;
    }
    int status;
    const pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) all_ended_ = true;  // ECHILD
    if (pid <= 0) break;
    if (pid != command_.pid) continue;
    command_ended = true;
    ending_.ended_at = now_ms();
    if (WIFSIGNALED(status)) ending_.signal = WTERMSIG(status);
    else ending_.exit_code = WEXITSTATUS(status);
  }
  if (command_ended && !all_ended_) end_leftovers();
}

/**
 * What the command has left behind has its own, shorter grace period; unless a stop has set one already, or all was killed.
 * Or a signal: a shell without a handler is ended by it, while the program that it started still saves its work.
 */
void Task::end_leftovers() {
  const std::set<pid_t> left = processes();
  ending_.leftover_processes = static_cast<int>(left.size());
  if (ending_.stop_requested_at || ending_.killed) return;
  if (signalled_at_ != 0 && now() < signalled_at_ + options_.grace_seconds) return let_save(signalled_at_);
  terminate();
  alarm_at(now() + options_.leftover_seconds);
}

/** Moves what a pipe holds into the log. False: there will be no more. */
bool Task::pump(int fd, char stream) {
  const ssize_t size = read(fd, buffer_.get(), kReadBytes);
  if (size > 0) log_.append(stream, buffer_.get(), static_cast<size_t>(size));
  return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

void Task::drain() {
  const auto rest = [this](int fd, char stream) {
    // No more than the pipe can hold: a process outside that was handed its other end may write for ever.
    for (int left = fcntl(fd, F_GETPIPE_SZ); left > 0;) {
      const ssize_t size = read(fd, buffer_.get(), kReadBytes);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return;
      left -= static_cast<int>(size);
      log_.append(stream, buffer_.get(), static_cast<size_t>(size));
    }
  };
  rest(command_.stdout_fd, 'o');
  rest(command_.stderr_fd, 'e');
}

bool Task::finish(std::optional<LaunchError> launch_error) {
  rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval &time) { return static_cast<double>(time.tv_sec) + time.tv_usec / 1e6; };
  ending_.max_rss_bytes = static_cast<int64_t>(usage.ru_maxrss) * 1024;
  ending_.user_cpu_seconds = seconds(usage.ru_utime);
  ending_.system_cpu_seconds = seconds(usage.ru_stime);
  ending_.log_bytes = log_.bytes();
  ending_.log_dropped_bytes = log_.dropped_bytes();
  ending_.launch_error = launch_error;
  if (!options_.control_group.empty()) {
    ending_.group = read_group(options_.control_group);
    remove_group(options_.control_group);
  }
  if (ending_.ended_at == 0) ending_.ended_at = now_ms();
  const bool written = write_exit_record(options_.directory, ending_);
  if (launch_error) tell("failed\n");
  return written;
}

void Task::tell(std::string_view word) {
  if (options_.ready_fd < 0) return;
  [[maybe_unused]] const ssize_t told = write(options_.ready_fd, word.data(), word.size());
  close(options_.ready_fd);
}

}  // namespace

int run_task(const Options &options) { return Task(options).run(); }
