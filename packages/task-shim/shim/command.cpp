/*
 * The command's process is made by clone(CLONE_VM | CLONE_VFORK): it runs on our memory, while we are suspended, until it
 * has become the command or given up. So what it does before is done by the time that we go on, in order and without
 * pipes to tell us; what went wrong stands in our own memory; and no page tables are copied. It may use the heap,
 * as we have one thread only. Dying halfway harms nobody: by PR_SET_PDEATHSIG it dies with us.
 */
#include "command.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control_group.h"

namespace {

constexpr int kPipeBytes = 1 << 20;
constexpr size_t kStackBytes = 256 << 10;

struct Start {
  const Options &options;
  const std::function<bool(pid_t)> &before;
  pid_t shim;
  int out;
  int err;
  std::optional<LaunchError> error;
};

/** Where Berth is kept from being killed for want of memory (OOMScoreAdjust=), the command must not be: it is what takes it. */
void give_up_protection() {
  const int file = open("/proc/self/oom_score_adj", O_RDWR);
  if (file < 0) return;
  char sign = 0;
  if (read(file, &sign, 1) == 1 && sign == '-') [[maybe_unused]] const ssize_t written = pwrite(file, "0", 1, 0);
  close(file);
}

/** Not for AddressSanitizer, which before a function that doesn't return looks for the end of a stack that it doesn't know. */
__attribute__((no_sanitize_address)) int become(void *argument) {
  Start &start = *static_cast<Start *>(argument);
  const Options &options = start.options;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int ignored : {SIGPIPE, SIGXFSZ}) std::signal(ignored, SIG_DFL);  // Those that the shim ignores.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  if (null > STDERR_FILENO) close(null);
  dup2(start.out, STDOUT_FILENO);
  dup2(start.err, STDERR_FILENO);

  give_up_protection();
  if (!options.control_group.empty()) {
    start.error = LaunchError{LaunchError::Step::control_group, join_group(options.control_group)};
    if (start.error->error != 0) {
      start.before(getpid());
      _exit(127);
    }
  }
  start.error = LaunchError{LaunchError::Step::account, ENOENT};
  // The records are the shim's own: this is the last thing that is done as who it is.
  if (!start.before(getpid()) || options.account_missing) _exit(127);
  if (options.account) start.error->error = become_account(*options.account);
  if (options.account && start.error->error != 0) _exit(127);
  // Again: the kernel forgets it when a process becomes somebody else.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The shim may have died before the line above; then no signal comes any more.
  if (getppid() != start.shim) _exit(127);
  start.error->step = LaunchError::Step::working_directory;
  if (chdir(options.working_directory.c_str()) == 0) {
    start.error->step = LaunchError::Step::exec;
    // Once it succeeds, nothing of ours runs in this process: so the error is taken back beforehand.
    const LaunchError error = *start.error;
    start.error.reset();
    execvp(options.command[0], options.command);
    start.error = error;
  }
  start.error->error = errno;
  _exit(127);
}

}  // namespace

Command start_command(const Options &options, const std::function<bool(pid_t)> &before) {
  Command command;
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) {
    command.error = LaunchError{LaunchError::Step::exec, errno};
    return command;
  }
  // Larger pipes mean fewer wake-ups; where the user's limit forbids them, the usual ones do.
  fcntl(out[0], F_SETPIPE_SZ, kPipeBytes);
  fcntl(err[0], F_SETPIPE_SZ, kPipeBytes);
  fcntl(out[0], F_SETFL, O_NONBLOCK);
  fcntl(err[0], F_SETFL, O_NONBLOCK);

  // So that it can open /dev/stdout, which asks whose the pipe is.
  for (const int fd : {out[1], err[1]}) {
    if (options.account && fchown(fd, options.account->uid, options.account->gid) != 0) break;
  }
  Start start = {options, before, getpid(), out[1], err[1], std::nullopt};
  const std::unique_ptr<char[]> stack(new char[kStackBytes]);
  command.pid = clone(become, stack.get() + kStackBytes, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
  if (command.pid < 0) start.error = LaunchError{LaunchError::Step::exec, errno};
  else if (start.error) waitpid(command.pid, nullptr, 0);
  close(out[1]);
  close(err[1]);
  command.stdout_fd = out[0];
  command.stderr_fd = err[0];
  command.error = start.error;
  return command;
}
