#include "options.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

bool read_options(int argc, char **argv, Options &options) {
  int i = 1;
  for (; i < argc && std::strcmp(argv[i], "--") != 0; i += 2) {
    const std::string name = argv[i];
    if (i + 1 >= argc) {
      std::fprintf(stderr, "berth-shim: %s needs a value\n", name.c_str());
      return false;
    }
    const char *value = argv[i + 1];
    if (name == "--dir") options.directory = value;
    else if (name == "--cwd") options.working_directory = value;
    else if (name == "--lock-fd") options.lock_fd = std::atoi(value);
    else if (name == "--ready-fd") options.ready_fd = std::atoi(value);
    else if (name == "--grace") options.grace_seconds = std::atof(value);
    else if (name == "--leftover-grace") options.leftover_seconds = std::atof(value);
    else if (name == "--log-limit") options.log_limit_bytes = std::atoll(value);
    else if (name == "--sweep") options.sweep_task = value;
    else {
      std::fprintf(stderr, "berth-shim: no option %s\n", name.c_str());
      return false;
    }
  }
  if (!options.sweep_task.empty()) return true;
  if (i + 1 >= argc || options.directory.empty() || options.working_directory.empty() || options.lock_fd < 0) {
    std::fprintf(stderr, "usage: berth-shim --dir DIR --cwd DIR --lock-fd N [--ready-fd N] [--grace S] "
                         "[--leftover-grace S] [--log-limit BYTES] -- COMMAND...\n"
                         "       berth-shim --sweep TASK\n");
    return false;
  }
  options.command = argv + i + 1;
  return true;
}
