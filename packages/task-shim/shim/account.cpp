/*
 * The order is what makes it right. Groups go first, while we still may change them; the user goes last, and with the
 * saved one too, so that nothing can be taken back. That there is no way back is tried, not believed: a kernel, a container or a
 * security module that answers "done" and does otherwise must not run a user's code as root.
 *
 * These are system calls as they are, not glibc's functions: those change all threads of a program by signals, and this
 * process has borrowed the memory of another one that must stay who it is.
 */
#include "account.h"

#include <cerrno>
#include <cstdlib>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr mode_t kUmask = 022;

/** A number and what follows it; false: there is none. */
bool take_number(const char *&text, unsigned &value) {
  if (*text < '0' || *text > '9') return false;
  char *end;
  errno = 0;
  const unsigned long read = std::strtoul(text, &end, 10);
  // The highest one means "unchanged" to the kernel.
  if (errno != 0 || read >= 0xffffffffUL) return false;
  value = static_cast<unsigned>(read);
  text = end;
  return true;
}

}  // namespace

std::optional<Account> read_account(const std::string &text) {
  Account account;
  const char *at = text.c_str();
  if (!take_number(at, account.uid) || *at++ != ':' || !take_number(at, account.gid) || *at++ != ':') return std::nullopt;
  while (*at) {
    unsigned group;
    if (!take_number(at, group)) return std::nullopt;
    account.groups.push_back(group);
    if (*at == ',') ++at;
    else if (*at) return std::nullopt;
  }
  return account.uid == 0 ? std::nullopt : std::optional(account);
}

int become_account(const Account &account) {
  umask(kUmask);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (syscall(SYS_setgroups, account.groups.size(), account.groups.data()) != 0) return errno;
  if (syscall(SYS_setresgid, account.gid, account.gid, account.gid) != 0) return errno;
  if (syscall(SYS_setresuid, account.uid, account.uid, account.uid) != 0) return errno;
  if (syscall(SYS_setresuid, -1, 0, -1) == 0 || syscall(SYS_getuid) != account.uid ||
      syscall(SYS_geteuid) != account.uid || syscall(SYS_getegid) != account.gid)
    return EPERM;
  return 0;
}
