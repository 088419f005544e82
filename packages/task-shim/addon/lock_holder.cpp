/*
 * Why a signal can't hit a process that merely got a dead holder's pid: the pidfd is taken first and names one process
 * for ever. If that process was dead by the time of the looks at /proc, sending fails (ESRCH), whatever they saw of its
 * successor; if it lived, they saw itself: it has this very file open, and somebody holds the lock.
 * The lock alone would not do: a worker that has got it to settle a dead task holds it too.
 *
 * A lock can be looked at only by trying it. It is tried shared: two looks at once don't take each other for a holder.
 */
#include "lock_holder.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

bool has_open(pid_t pid, const struct stat &file) {
  DIR *descriptors = opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
  if (!descriptors) return false;
  bool found = false;
  while (const dirent *entry = found ? nullptr : readdir(descriptors)) {
    struct stat open_file;
    found = fstatat(dirfd(descriptors), entry->d_name, &open_file, 0) == 0 && open_file.st_ino == file.st_ino &&
            open_file.st_dev == file.st_dev;
  }
  closedir(descriptors);
  return found;
}

/** @param info what the signal carries; null: nothing */
bool send_to_holder(const char *path, pid_t pid, int signal, siginfo_t *info) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) return false;
  struct stat file;
  const bool holder = stat(path, &file) == 0 && has_open(pid, file) && is_locked(path);
  const bool sent = holder && syscall(SYS_pidfd_send_signal, process, signal, info, 0) == 0;
  close(process);
  return sent;
}

}  // namespace

bool is_locked(const char *path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(fd);
  return locked;
}

bool signal_lock_holder(const char *path, pid_t pid, int signal) { return send_to_holder(path, pid, signal, nullptr); }

bool order_lock_holder(const char *path, pid_t pid, const Order &order) {
  siginfo_t info = {};
  info.si_signo = Order::carrier();
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = order.value();
  return send_to_holder(path, pid, Order::carrier(), &info);
}
