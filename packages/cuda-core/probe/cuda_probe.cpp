/*
 * Says what CUDA enumerates under the environment that it is started with (its mask, its order), as one line of JSON. A
 * program of its own, because CUDA reads the mask once in a process' life, and because its start may take long or hang.
 * CUDA Driver API, "Initialization" and "Device Management".
 */
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <string>

namespace {

struct Uuid {
  unsigned char bytes[16];
};

/** CUdevice_attribute */
constexpr int kPciBus = 33, kPciDevice = 34, kPciDomain = 50, kMajor = 75, kMinor = 76;

void *library = nullptr;

template <typename Function> Function *function(const char *name) {
  return reinterpret_cast<Function *>(dlsym(library, name));
}

std::string quoted(const char *text) {
  std::string json = "\"";
  for (const char *at = text; *at; ++at) {
    if (*at == '"' || *at == '\\') json += '\\';
    // What isn't printable is of no use in a message.
    json += static_cast<unsigned char>(*at) < 0x20 ? ' ' : *at;
  }
  return json + "\"";
}

std::string dashed(const char *prefix, const Uuid &uuid) {
  std::string text = prefix;
  char digits[3];
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    std::snprintf(digits, sizeof digits, "%02x", uuid.bytes[i]);
    text += digits;
  }
  return text;
}

int fail(const std::string &code, const std::string &words) {
  std::printf("{\"error\":{\"code\":%s,\"message\":%s}}\n", quoted(code.c_str()).c_str(), quoted(words.c_str()).c_str());
  return 0;
}

std::string device_json(int ordinal) {
  const auto get = function<int(int *, int)>("cuDeviceGet");
  const auto name_of = function<int(char *, int, int)>("cuDeviceGetName");
  const auto own_uuid = function<int(Uuid *, int)>("cuDeviceGetUuid_v2");
  const auto gpu_uuid = function<int(Uuid *, int)>("cuDeviceGetUuid");
  const auto total = function<int(size_t *, int)>("cuDeviceTotalMem_v2");
  const auto attribute = function<int(int *, int, int)>("cuDeviceGetAttribute");

  int device = 0;
  if (!get || get(&device, ordinal) != 0) return "null";
  const auto figure = [&](int which) {
    int value = 0;
    return attribute && attribute(&value, which, device) == 0 ? value : -1;
  };
  char name[256] = "";
  if (name_of) name_of(name, sizeof name, device);
  name[sizeof name - 1] = 0;
  std::string json = "{\"name\":" + quoted(name);
  Uuid own = {}, gpu = {};
  const bool knows_own = own_uuid && own_uuid(&own, device) == 0;
  const bool knows_gpu = gpu_uuid && gpu_uuid(&gpu, device) == 0;
  if (!knows_own) own = gpu;
  // The newer function names a MIG instance, the older one always its GPU.
  const bool is_mig = knows_own && knows_gpu && std::memcmp(&own, &gpu, sizeof own) != 0;
  json += ",\"uuid\":";
  json += knows_own || knows_gpu ? quoted(dashed(is_mig ? "MIG-" : "GPU-", own).c_str()) : "null";
  size_t bytes = 0;
  json += ",\"memoryTotalBytes\":";
  json += total && total(&bytes, device) == 0 ? std::to_string(bytes) : "null";
  const int major = figure(kMajor), minor = figure(kMinor);
  json += ",\"computeCapability\":";
  json += major > 0 ? quoted((std::to_string(major) + "." + std::to_string(minor)).c_str()) : "null";
  const int domain = figure(kPciDomain), bus = figure(kPciBus), slot = figure(kPciDevice);
  char address[40];
  std::snprintf(address, sizeof address, "%08x:%02x:%02x.0", domain < 0 ? 0u : static_cast<unsigned>(domain),
                static_cast<unsigned>(bus), static_cast<unsigned>(slot));
  json += ",\"pciAddress\":";
  json += bus >= 0 && slot >= 0 ? quoted(address) : "null";
  return json + "}";
}

}  // namespace

int main() {
  library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail("no_library", dlerror());
  const auto init = function<int(unsigned)>("cuInit");
  const auto count = function<int(int *)>("cuDeviceGetCount");
  const auto error_name = function<int(int, const char **)>("cuGetErrorName");
  const auto error_words = function<int(int, const char **)>("cuGetErrorString");
  const auto version_of = function<int(int *)>("cuDriverGetVersion");
  if (!init || !count) return fail("no_library", "libcuda.so.1 lacks cuInit or cuDeviceGetCount");

  const auto refuse = [&](int result) {
    const char *name = nullptr, *words = nullptr;
    if (error_name) error_name(result, &name);
    if (error_words) error_words(result, &words);
    return fail(name ? name : std::to_string(result), words ? words : "CUDA gives no reason");
  };
  int devices = 0, version = 0;
  int result = init(0);
  if (result == 0) result = count(&devices);
  if (result != 0) return refuse(result);
  if (version_of) version_of(&version);

  std::string json = "{\"version\":" + std::to_string(version) + ",\"simulated\":";
  json += dlsym(library, "berth_simulated_driver") ? "true" : "false";
  json += ",\"devices\":[";
  for (int ordinal = 0; ordinal < devices; ++ordinal) json += (ordinal ? "," : "") + device_json(ordinal);
  std::printf("%s]}\n", json.c_str());
  return 0;
}
