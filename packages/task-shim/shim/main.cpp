#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "options.h"
#include "records.h"
#include "sweep.h"
#include "task.h"

namespace {

enum ExitCode { kUsage = 64, kLocked = 75, kTombstone = 76, kStartedBefore = 77 };

/**
 * The lock of the task's folder, ours: -1 where it isn't. An inherited one is locked again: that does nothing where it is
 * held, and must not be believed where it isn't, for the lock decides who may start the task.
 */
int take_lock(const Options &options) {
  const int fd = options.lock_fd >= 0
                     ? options.lock_fd
                     : open((options.directory + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? fd : -1;
}

/** An ignored SIGCHLD, as some parents pass on, would lose the command's exit code; others would reach the command. */
void default_signals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  // A log that has reached the limit of file size is as one on a full disk.
  signal(SIGXFSZ, SIG_IGN);
}

}  // namespace

/** Runs one task: outlives whoever started it, and writes down how the task ended. */
int main(int argc, char **argv) {
  Options options;
  if (!read_options(argc, argv, options)) return kUsage;
  if (!options.sweep_task.empty()) {
    std::printf("%d\n", sweep(options.sweep_task));
    return 0;
  }
  // Neither the lock nor the worker's ear is the command's business.
  const int lock = take_lock(options);
  if (lock < 0) return kLocked;
  fcntl(lock, F_SETFD, FD_CLOEXEC);
  if (options.ready_fd >= 0) fcntl(options.ready_fd, F_SETFD, FD_CLOEXEC);
  if (has_file(options.directory, "tombstone")) return kTombstone;
  if (has_file(options.directory, "start.json")) return kStartedBefore;
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  default_signals();
  return run_task(options);
}
