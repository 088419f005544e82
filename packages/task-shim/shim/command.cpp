#include "command.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace {

constexpr int kPipeBytes = 1 << 20;

/** In the child: never returns. */
[[noreturn]] void become(char **argv, const std::string &working_directory, int gate, int status, int out, int err,
                         pid_t shim) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The shim may have died before the line above; then no signal comes any more.
  if (getppid() != shim) _exit(127);
  std::signal(SIGPIPE, SIG_DFL);  // The only one that the shim, itself started with all at their defaults, ignores.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  if (null > STDERR_FILENO) close(null);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);

  char go;
  if (read(gate, &go, 1) != 1) _exit(127);
  LaunchError error = {LaunchError::Step::working_directory, 0};
  if (chdir(working_directory.c_str()) == 0) {
    error.step = LaunchError::Step::exec;
    execvp(argv[0], argv);
  }
  error.error = errno;
  [[maybe_unused]] const ssize_t told = write(status, &error, sizeof error);
  _exit(127);
}

}  // namespace

Command fork_command(char **argv, const std::string &working_directory) {
  int out[2], err[2], gate[2], status[2];
  Command command;
  if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(gate, O_CLOEXEC) || pipe2(status, O_CLOEXEC)) {
    return command;
  }
  // Larger pipes mean fewer wake-ups; where the user's limit forbids them, the usual ones do.
  fcntl(out[0], F_SETPIPE_SZ, kPipeBytes);
  fcntl(err[0], F_SETPIPE_SZ, kPipeBytes);
  fcntl(out[0], F_SETFL, O_NONBLOCK);
  fcntl(err[0], F_SETFL, O_NONBLOCK);
  const pid_t shim = getpid();
  command.pid = fork();
  if (command.pid == 0) {
    // Else the gate would never close while it waits at it, even if the shim died.
    close(gate[1]);
    become(argv, working_directory, gate[0], status[1], out[1], err[1], shim);
  }
  for (const int fd : {out[1], err[1], gate[0], status[1]}) close(fd);
  command.stdout_fd = out[0];
  command.stderr_fd = err[0];
  command.gate_fd = gate[1];
  command.status_fd = status[0];
  return command;
}

std::optional<LaunchError> release_command(Command &command) {
  [[maybe_unused]] const ssize_t opened = write(command.gate_fd, "", 1);
  close(command.gate_fd);
  LaunchError error;
  ssize_t size;
  do size = read(command.status_fd, &error, sizeof error);
  while (size < 0 && errno == EINTR);
  close(command.status_fd);
  if (size == static_cast<ssize_t>(sizeof error)) return error;
  return std::nullopt;
}
