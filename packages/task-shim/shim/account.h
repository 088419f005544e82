#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

/** As whom a command runs, where that isn't whoever the shim runs as. */
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

/** Reads `UID:GID:GID,GID,...`; nothing for what is no such text, and for root. */
std::optional<Account> read_account(const std::string &text);

/**
 * Becomes an account, with no way back. Only for a process that is about to become a program of it.
 * @returns 0, or an errno; then the process must not go on
 */
int become_account(const Account &account);
