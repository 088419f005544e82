#include "simulation_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <memory>
#include <string>
#include <unistd.h>

#include "mapped_state.h"
#include "processes.h"

namespace {

uint32_t number(const Napi::Object &object, const char *name) { return object.Get(name).As<Napi::Number>().Uint32Value(); }

uint64_t large_number(const Napi::Object &object, const char *name) {
  return static_cast<uint64_t>(object.Get(name).As<Napi::Number>().Int64Value());
}

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

/** What never changes of a device; the names are those of the TypeScript side. */
struct FixedField {
  const char *name;
  uint32_t SimulatedDevice::*field;
};
constexpr FixedField kFixedFields[] = {
    {"computeMajor", &SimulatedDevice::compute_major},
    {"computeMinor", &SimulatedDevice::compute_minor},
    {"pciDomain", &SimulatedDevice::pci_domain},
    {"pciBus", &SimulatedDevice::pci_bus},
    {"pciDevice", &SimulatedDevice::pci_device},
    {"architecture", &SimulatedDevice::architecture},
    {"numaNode", &SimulatedDevice::numa_node},
    {"pcieSwitch", &SimulatedDevice::pcie_switch},
    {"nvlinks", &SimulatedDevice::nvlinks},
    {"nvswitch", &SimulatedDevice::nvswitch},
    {"multiprocessors", &SimulatedDevice::multiprocessors},
    {"ecc", &SimulatedDevice::ecc},
    {"powerLimitMilliwatts", &SimulatedDevice::power_limit_milliwatts},
    {"powerLeastMilliwatts", &SimulatedDevice::power_least_milliwatts},
    {"powerMostMilliwatts", &SimulatedDevice::power_most_milliwatts},
    {"slowdownCelsius", &SimulatedDevice::slowdown_celsius},
    {"mostGraphicsMegahertz", &SimulatedDevice::most_graphics_megahertz},
    {"mostSmMegahertz", &SimulatedDevice::most_sm_megahertz},
    {"mostMemoryMegahertz", &SimulatedDevice::most_memory_megahertz},
    {"migCapable", &SimulatedDevice::mig_capable},
    {"migEnabled", &SimulatedDevice::mig_enabled},
    {"migIndex", &SimulatedDevice::mig_index},
    {"gpuInstance", &SimulatedDevice::gpu_instance},
    {"computeInstance", &SimulatedDevice::compute_instance},
    {"gpuSlices", &SimulatedDevice::gpu_slices},
    {"computeSlices", &SimulatedDevice::compute_slices},
};

/** What may change of a device while its driver runs. */
struct ChangingField {
  const char *name;
  std::atomic<uint32_t> SimulatedDevice::*field;
};
constexpr ChangingField kChangingFields[] = {
    {"absent", &SimulatedDevice::absent},
    {"computeMode", &SimulatedDevice::compute_mode},
    {"utilisationPercent", &SimulatedDevice::utilisation_percent},
    {"temperatureCelsius", &SimulatedDevice::temperature_celsius},
    {"powerMilliwatts", &SimulatedDevice::power_milliwatts},
    {"smMegahertz", &SimulatedDevice::sm_megahertz},
    {"throttleReasons", &SimulatedDevice::throttle_reasons},
    {"eccCorrected", &SimulatedDevice::ecc_corrected},
    {"eccUncorrected", &SimulatedDevice::ecc_uncorrected},
    {"rowsCorrectable", &SimulatedDevice::rows_correctable},
    {"rowsUncorrectable", &SimulatedDevice::rows_uncorrectable},
    {"rowsPending", &SimulatedDevice::rows_pending},
    {"rowsFailed", &SimulatedDevice::rows_failed},
    {"memoryTemperatureCelsius", &SimulatedDevice::memory_celsius},
    {"energyJoules", &SimulatedDevice::energy_joules},
    {"pcieReplays", &SimulatedDevice::pcie_replays},
    {"nvlinkTransmittedMebibytes", &SimulatedDevice::nvlink_transmitted_mebibytes},
    {"nvlinkReceivedMebibytes", &SimulatedDevice::nvlink_received_mebibytes},
    {"nvlinkFlitCrcErrors", &SimulatedDevice::nvlink_flit_crc_errors},
    {"nvlinkDataCrcErrors", &SimulatedDevice::nvlink_data_crc_errors},
    {"nvlinkReplays", &SimulatedDevice::nvlink_replays},
    {"nvlinkRecoveries", &SimulatedDevice::nvlink_recoveries},
    {"handleResult", &SimulatedDevice::handle_result},
    {"figuresResult", &SimulatedDevice::figures_result},
    {"hangMilliseconds", &SimulatedDevice::hang_milliseconds},
};

void describe(SimulatedDevice &device, const Napi::Object &from) {
  put(device.uuid, from.Get("uuid"));
  put(device.name, from.Get("name"));
  device.memory_bytes = large_number(from, "memoryBytes");
  device.reserve_bytes = large_number(from, "reserveBytes");
  device.parent = from.Get("parent").IsNull() ? kNoParent : number(from, "parent");
  for (const FixedField &each : kFixedFields) {
    if (from.Has(each.name)) device.*each.field = number(from, each.name);
  }
  for (const ChangingField &each : kChangingFields) {
    if (from.Has(each.name)) device.*each.field = number(from, each.name);
  }
}

/** Whether these are the same devices, whatever they do now. */
bool same_devices(const SimulatedState &one, const SimulatedState &other) {
  const auto same_device = [](const SimulatedDevice &a, const SimulatedDevice &b) {
    return std::strcmp(a.uuid, b.uuid) == 0 && std::strcmp(a.name, b.name) == 0 && a.memory_bytes == b.memory_bytes &&
           a.reserve_bytes == b.reserve_bytes && a.parent == b.parent &&
           std::all_of(std::begin(kFixedFields), std::end(kFixedFields),
                       [&](const FixedField &each) { return a.*each.field == b.*each.field; });
  };
  return one.device_count == other.device_count && one.cuda_version == other.cuda_version &&
         std::strcmp(one.driver_version, other.driver_version) == 0 &&
         std::equal(one.devices, one.devices + one.device_count, other.devices, same_device);
}

}  // namespace

Napi::Value write_simulation(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  const Napi::Array devices = info[1].As<Napi::Array>();
  const Napi::Object driver = info[2].As<Napi::Object>();
  auto state = std::make_unique<SimulatedState>();
  std::memcpy(state->magic, kSimulationMagic, sizeof kSimulationMagic);
  state->version = kSimulationVersion;
  state->device_count = std::min(devices.Length(), kMostDevices);
  state->cuda_version = number(driver, "cudaVersion");
  put(state->driver_version, driver.Get("driverVersion"));
  for (uint32_t i = 0; i < state->device_count; ++i) describe(state->devices[i], Napi::Value(devices[i]).As<Napi::Object>());

  // Whoever has these very devices mapped goes on seeing what others see.
  const Mapping present(path);
  if (present.state() && same_devices(*present.state(), *state)) return env.Undefined();

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
  if (!change.Has("place")) return env.Undefined();
  const uint32_t place = number(change, "place");
  if (place >= state->device_count) throw Napi::Error::New(env, "there is no simulated device " + std::to_string(place));
  SimulatedDevice &device = state->devices[place];
  for (const ChangingField &each : kChangingFields) set(change, each.name, device.*each.field);
  if (change.Has("xid")) tell_xid(*state, device.parent == kNoParent ? place : device.parent, number(change, "xid"));
  if (change.Has("process")) {
    const Napi::Object process = change.Get("process").As<Napi::Object>();
    const bool untold = process.Get("memoryBytes").IsNull();
    if (!set_process(device, number(process, "pid"), untold ? kUntoldMemory : large_number(process, "memoryBytes"), 0)) {
      throw Napi::Error::New(env, "a simulated device has room for " + std::to_string(kMostSimulatedProcesses) + " processes");
    }
  }
  return env.Undefined();
}
