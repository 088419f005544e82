#include "options.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

/** A value that isn't wholly a number is a mistake, not a grace period of 0. */
bool number(const char *text, double &value) {
  char *end;
  value = std::strtod(text, &end);
  return end != text && *end == '\0' && value >= 0 && value < 1e15;
}

template <typename Integer> bool number(const char *text, Integer &value) {
  double read;
  if (!number(text, read) || read != static_cast<double>(static_cast<Integer>(read))) return false;
  value = static_cast<Integer>(read);
  return true;
}

/** An account, or `missing`. Root is none: who wants that leaves the option out. */
bool read_as(const char *value, Options &options) {
  options.account_missing = std::strcmp(value, "missing") == 0;
  if (!options.account_missing) options.account = read_account(value);
  return options.account_missing || options.account.has_value();
}

}  // namespace

bool read_options(int argc, char **argv, Options &options) {
  int i = 1;
  for (; i < argc && std::strcmp(argv[i], "--") != 0; i += 2) {
    const std::string name = argv[i];
    if (i + 1 >= argc) {
      std::fprintf(stderr, "berth-shim: %s needs a value\n", name.c_str());
      return false;
    }
    const char *value = argv[i + 1];
    bool good = true;
    if (name == "--dir") options.directory = value;
    else if (name == "--cwd") options.working_directory = value;
    else if (name == "--cgroup") options.control_group = value;
    else if (name == "--lock-fd") good = number(value, options.lock_fd);
    else if (name == "--ready-fd") good = number(value, options.ready_fd);
    else if (name == "--grace") good = number(value, options.grace_seconds);
    else if (name == "--kill-after-exit") good = number(value, options.leftover_seconds);
    else if (name == "--log-limit") good = number(value, options.log_limit_bytes);
    else if (name == "--as") good = read_as(value, options);
    else if (name == "--sweep") options.sweep_task = value;
    else {
      std::fprintf(stderr, "berth-shim: no option %s\n", name.c_str());
      return false;
    }
    if (!good) {
      std::fprintf(stderr, "berth-shim: %s is no value for %s\n", value, name.c_str());
      return false;
    }
  }
  options.leftover_seconds = std::min(options.leftover_seconds, options.grace_seconds);
  if (!options.sweep_task.empty()) return true;
  if (i + 1 >= argc || options.directory.empty() || options.working_directory.empty()) {
    std::fprintf(stderr, "usage: berth-shim --dir DIR --cwd DIR [--lock-fd N] [--ready-fd N] [--grace S] "
                         "[--kill-after-exit S] [--log-limit BYTES] [--cgroup DIR] [--as UID:GID:GROUPS] -- COMMAND...\n"
                         "       berth-shim --sweep TASK\n");
    return false;
  }
  options.command = argv + i + 1;
  return true;
}
