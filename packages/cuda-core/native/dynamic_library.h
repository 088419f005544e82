#pragma once

#include <string>

/** A shared object that is opened at run time and stays open: a driver's library must not be unloaded under its threads. */
class DynamicLibrary {
 public:
  /**
   * Opens `name` the way the linker finds it, or out of `directory` where one is given.
   * After a failure `error()` has the linker's words, and `absent()` tells whether there simply is no such file.
   */
  DynamicLibrary(const std::string &directory, const std::string &name);

  bool is_open() const { return handle_ != nullptr; }
  bool absent() const { return absent_; }
  const std::string &error() const { return error_; }

  /** The function of this name, or null: every symbol may be missing in some version of a driver. */
  template <typename Function> void find(const char *name, Function *&function) const {
    function = reinterpret_cast<Function *>(address_of(name));
  }

 private:
  void *address_of(const char *name) const;

  void *handle_ = nullptr;
  bool absent_ = false;
  std::string error_;
};
