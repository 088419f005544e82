#include "simulation_writer.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"

namespace {

uint32_t number(const Napi::Object &object, const char *name) { return object.Get(name).As<Napi::Number>().Uint32Value(); }

template <size_t Size> void put(char (&field)[Size], const Napi::Value &text) {
  std::snprintf(field, Size, "%s", text.As<Napi::String>().Utf8Value().c_str());
}

/** A state file in use: mapped as its driver maps it. */
class Mapping {
 public:
  explicit Mapping(const std::string &path) {
    const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    struct stat status;
    if (fstat(fd, &status) == 0 && status.st_size == sizeof(SimulatedState)) {
      void *memory = mmap(nullptr, sizeof(SimulatedState), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (memory != MAP_FAILED) state_ = static_cast<SimulatedState *>(memory);
    }
    close(fd);
  }
  ~Mapping() {
    if (state_) munmap(state_, sizeof(SimulatedState));
  }
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;

  /** Null where the file is no state of ours. */
  SimulatedState *state() const {
    const bool ours = state_ && std::memcmp(state_->magic, kSimulationMagic, sizeof kSimulationMagic) == 0 &&
                      state_->version == kSimulationVersion && state_->device_count <= kMostDevices;
    return ours ? state_ : nullptr;
  }

 private:
  SimulatedState *state_ = nullptr;
};

void set_process(SimulatedDevice &device, uint32_t pid, uint64_t bytes) {
  SimulatedProcess *place = nullptr;
  for (SimulatedProcess &process : device.processes) {
    if (process.pid == pid) place = &process;
  }
  for (SimulatedProcess &process : device.processes) {
    if (!place && process.pid == 0) place = &process;
  }
  if (!place) return;
  // The bytes first: whoever reads meanwhile sees a process with its memory or none.
  place->memory_bytes = bytes;
  place->pid = bytes == 0 ? 0 : pid;
}

}  // namespace

Napi::Value write_simulation(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  const Napi::Array devices = info[1].As<Napi::Array>();
  auto state = std::make_unique<SimulatedState>();
  std::memcpy(state->magic, kSimulationMagic, sizeof kSimulationMagic);
  state->version = kSimulationVersion;
  state->device_count = devices.Length();
  for (uint32_t i = 0; i < devices.Length(); ++i) {
    const Napi::Object from = Napi::Value(devices[i]).As<Napi::Object>();
    SimulatedDevice &device = state->devices[i];
    put(device.uuid, from.Get("uuid"));
    put(device.name, from.Get("name"));
    device.memory_bytes = static_cast<uint64_t>(from.Get("memoryBytes").As<Napi::Number>().Int64Value());
    device.compute_major = number(from, "computeMajor");
    device.compute_minor = number(from, "computeMinor");
    device.pci_bus = number(from, "pciBus");
    device.temperature_celsius = 34;
    device.power_milliwatts = 70'000;
  }
  // Renamed into place: a driver that has the old file mapped keeps a whole one.
  const std::string side = path + ".new";
  const int fd = open(side.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && write(fd, state.get(), sizeof *state) == static_cast<ssize_t>(sizeof *state);
  const int error = errno;
  if (fd >= 0) close(fd);
  if (!written || rename(side.c_str(), path.c_str()) != 0) {
    throw Napi::Error::New(env, side + ": " + std::strerror(written ? errno : error));
  }
  return env.Undefined();
}

Napi::Value simulated_uuids(const Napi::CallbackInfo &info) {
  const Mapping mapping(info[0].As<Napi::String>());
  const SimulatedState *state = mapping.state();
  if (!state) return info.Env().Null();
  Napi::Array uuids = Napi::Array::New(info.Env(), state->device_count);
  for (uint32_t i = 0; i < state->device_count; ++i) uuids[i] = Napi::String::New(info.Env(), state->devices[i].uuid);
  return uuids;
}

Napi::Value change_simulation(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  const Napi::Object change = info[1].As<Napi::Object>();
  const Mapping mapping(path);
  SimulatedState *state = mapping.state();
  if (!state) throw Napi::Error::New(env, path + " is no state of a simulated driver");
  if (change.Has("initResult")) state->init_result = number(change, "initResult");
  if (!change.Has("device")) return env.Undefined();
  const uint32_t index = number(change, "device");
  if (index >= state->device_count) throw Napi::Error::New(env, "there is no simulated device " + std::to_string(index));
  SimulatedDevice &device = state->devices[index];
  if (change.Has("utilisationPercent")) device.utilisation_percent = number(change, "utilisationPercent");
  if (change.Has("temperatureCelsius")) device.temperature_celsius = number(change, "temperatureCelsius");
  if (change.Has("powerMilliwatts")) device.power_milliwatts = number(change, "powerMilliwatts");
  if (change.Has("process")) {
    const Napi::Object process = change.Get("process").As<Napi::Object>();
    set_process(device, number(process, "pid"), static_cast<uint64_t>(process.Get("memoryBytes").As<Napi::Number>().Int64Value()));
  }
  return env.Undefined();
}
