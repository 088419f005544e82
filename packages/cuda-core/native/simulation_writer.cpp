#include "simulation_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>

#include "mapped_state.h"

namespace {

uint32_t number(const Napi::Object &object, const char *name) { return object.Get(name).As<Napi::Number>().Uint32Value(); }

template <size_t Size> void put(char (&field)[Size], const Napi::Value &text) {
  std::snprintf(field, Size, "%s", text.As<Napi::String>().Utf8Value().c_str());
}

/** A state file in use: mapped as its driver maps it. */
class Mapping {
 public:
  explicit Mapping(const std::string &path) : state_(map_state(path.c_str())) {}
  ~Mapping() { unmap_state(state_); }
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;

  /** Null where the file is no state of ours. */
  SimulatedState *state() const { return state_; }

 private:
  SimulatedState *const state_;
};

/** @returns whether there was room for it */
bool set_process(SimulatedDevice &device, uint32_t pid, uint64_t bytes) {
  SimulatedProcess *place = nullptr;
  for (SimulatedProcess &process : device.processes) {
    if (process.pid == pid) place = &process;
  }
  for (SimulatedProcess &process : device.processes) {
    if (!place && process.pid == 0) place = &process;
  }
  if (bytes == 0) {
    if (place) place->pid = 0;
    return true;
  }
  if (!place) return false;
  // The bytes first: whoever reads meanwhile sees a process with its memory or none.
  place->memory_bytes = bytes;
  place->pid = pid;
  return true;
}

}  // namespace

Napi::Value write_simulation(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  const Napi::Array devices = info[1].As<Napi::Array>();
  auto state = std::make_unique<SimulatedState>();
  std::memcpy(state->magic, kSimulationMagic, sizeof kSimulationMagic);
  state->version = kSimulationVersion;
  state->device_count = std::min(devices.Length(), kMostDevices);
  for (uint32_t i = 0; i < state->device_count; ++i) {
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
    const std::string why = std::strerror(written ? errno : error);
    unlink(side.c_str());
    throw Napi::Error::New(env, "the simulation's state can't be written: " + path + ": " + why);
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
  const auto set = [](const Napi::Object &from, const char *name, std::atomic<uint32_t> &field) {
    if (from.Has(name)) field = number(from, name);
  };
  set(change, "initResult", state->init_result);
  set(change, "countResult", state->count_result);
  set(change, "delayMilliseconds", state->delay_milliseconds);
  if (!change.Has("device")) return env.Undefined();
  const uint32_t index = number(change, "device");
  if (index >= state->device_count) throw Napi::Error::New(env, "there is no simulated device " + std::to_string(index));
  SimulatedDevice &device = state->devices[index];
  set(change, "utilisationPercent", device.utilisation_percent);
  set(change, "temperatureCelsius", device.temperature_celsius);
  set(change, "powerMilliwatts", device.power_milliwatts);
  set(change, "handleResult", device.handle_result);
  set(change, "figuresResult", device.figures_result);
  if (change.Has("process")) {
    const Napi::Object process = change.Get("process").As<Napi::Object>();
    const Napi::Value memory = process.Get("memoryBytes");
    const uint64_t bytes = memory.IsNull() ? kUntoldMemory : static_cast<uint64_t>(memory.As<Napi::Number>().Int64Value());
    if (!set_process(device, number(process, "pid"), bytes)) {
      throw Napi::Error::New(env, "a simulated device has room for " + std::to_string(kMostSimulatedProcesses) + " processes");
    }
  }
  return env.Undefined();
}
