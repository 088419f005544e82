#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "options.h"
#include "records.h"
#include "sweep.h"
#include "task.h"

namespace {

enum ExitCode { kUsage = 64, kTombstone = 76, kStartedBefore = 77 };

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
  fcntl(options.lock_fd, F_SETFD, FD_CLOEXEC);
  if (options.ready_fd >= 0) fcntl(options.ready_fd, F_SETFD, FD_CLOEXEC);
  if (has_file(options.directory, "tombstone")) return kTombstone;
  if (has_file(options.directory, "start.json")) return kStartedBefore;
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  signal(SIGPIPE, SIG_IGN);
  return run_task(options);
}
