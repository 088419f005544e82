#include "dynamic_library.h"

#include <dlfcn.h>
#include <unistd.h>

DynamicLibrary::DynamicLibrary(const std::string &directory, const std::string &name) {
  const std::string path = directory.empty() ? name : directory + "/" + name;
  handle_ = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle_) return;
  const char *error = dlerror();
  error_ = error ? error : "dlopen failed";
  // glibc has one message for a missing file; one that it found, but could not load, it names otherwise.
  absent_ = directory.empty() ? error_.find(name + ": cannot open shared object file: No such file") != std::string::npos
                              : access(path.c_str(), F_OK) != 0;
}

void *DynamicLibrary::address_of(const char *name) const { return handle_ ? dlsym(handle_, name) : nullptr; }
