#include "accounts.h"

#include <cerrno>
#include <cstring>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <vector>

Napi::Value peer_credentials(const Napi::CallbackInfo &info) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(info[0].As<Napi::Number>().Int32Value(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.uid == static_cast<uid_t>(-1)) {
    return info.Env().Null();
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result["pid"] = Napi::Number::New(info.Env(), peer.pid);
  result["uid"] = Napi::Number::New(info.Env(), peer.uid);
  result["gid"] = Napi::Number::New(info.Env(), peer.gid);
  return result;
}

Napi::Value account_of(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  passwd entry = {};
  passwd *found = nullptr;
  std::vector<char> buffer(4096);
  const std::string name = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : std::string();
  const uid_t uid = info[0].IsNumber() ? info[0].As<Napi::Number>().Uint32Value() : 0;
  for (;;) {
    const int error = name.empty() ? getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found)
                                   : getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error != ERANGE) break;
    buffer.resize(buffer.size() * 2);
  }
  if (!found) return env.Null();

  int count = 64;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  while (getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) groups.resize(static_cast<size_t>(count));
  Napi::Array ids = Napi::Array::New(env, static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) ids[static_cast<uint32_t>(i)] = Napi::Number::New(env, groups[static_cast<size_t>(i)]);
  Napi::Object result = Napi::Object::New(env);
  result["name"] = Napi::String::New(env, entry.pw_name);
  result["uid"] = Napi::Number::New(env, entry.pw_uid);
  result["gid"] = Napi::Number::New(env, entry.pw_gid);
  result["home"] = Napi::String::New(env, entry.pw_dir);
  result["shell"] = Napi::String::New(env, entry.pw_shell);
  result["groups"] = ids;
  return result;
}
