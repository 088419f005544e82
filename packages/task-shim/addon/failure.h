#pragma once

#include <cstring>
#include <napi.h>
#include <string>

/** Throws an error of the system into JavaScript, with its name (`ENOENT`) as `code`. */
[[noreturn]] inline void fail(Napi::Env env, const std::string &what, int error) {
  Napi::Error failure = Napi::Error::New(env, what + ": " + std::strerror(error));
  failure.Set("code", Napi::String::New(env, strerrorname_np(error)));
  throw failure;
}
