#include "answers.h"

#include <optional>
#include <string>

namespace {

template <typename Value> Napi::Value plain(Napi::Env env, const Value &value) {
  if constexpr (std::is_same_v<Value, std::string>) return Napi::String::New(env, value);
  else if constexpr (std::is_same_v<Value, bool>) return Napi::Boolean::New(env, value);
  else return Napi::Number::New(env, static_cast<double>(value));
}

template <typename Value> Napi::Value or_null(Napi::Env env, const std::optional<Value> &value) {
  return value ? plain(env, *value) : env.Null();
}

template <typename Item, typename Convert>
Napi::Array list_of(Napi::Env env, const std::vector<Item> &items, Convert convert) {
  Napi::Array list = Napi::Array::New(env, items.size());
  for (uint32_t i = 0; i < items.size(); ++i) list[i] = convert(items[i]);
  return list;
}

Napi::Value mig_facts(Napi::Env env, const std::optional<MigFacts> &mig) {
  if (!mig) return env.Null();
  Napi::Object object = Napi::Object::New(env);
  object["parent"] = plain(env, mig->parent_uuid);
  object["index"] = plain(env, mig->index);
  object["gpuInstance"] = or_null(env, mig->gpu_instance);
  object["computeInstance"] = or_null(env, mig->compute_instance);
  object["gpuSlices"] = or_null(env, mig->gpu_slices);
  object["computeSlices"] = or_null(env, mig->compute_slices);
  return object;
}

Napi::Value link_facts(Napi::Env env, const LinkFacts &link) {
  Napi::Object object = Napi::Object::New(env);
  object["uuid"] = plain(env, link.uuid);
  object["nvlinks"] = or_null(env, link.nvlinks);
  object["topologyLevel"] = or_null(env, link.topology_level);
  return object;
}

Napi::Value device_facts(Napi::Env env, const DeviceFacts &facts) {
  Napi::Object object = Napi::Object::New(env);
  object["uuid"] = plain(env, facts.uuid);
  object["index"] = plain(env, facts.index);
  object["name"] = plain(env, facts.name);
  object["mig"] = mig_facts(env, facts.mig);
  object["migMode"] = or_null(env, facts.mig_mode);
  object["memoryTotalBytes"] = or_null(env, facts.memory_total_bytes);
  object["computeCapability"] = or_null(env, facts.compute_capability);
  object["architecture"] = or_null(env, facts.architecture);
  object["pciAddress"] = or_null(env, facts.pci_address);
  object["minorNumber"] = or_null(env, facts.minor_number);
  object["numaNode"] = or_null(env, facts.numa_node);
  object["cpus"] = env.Null();
  if (facts.cpus) object["cpus"] = list_of(env, *facts.cpus, [&](uint32_t cpu) { return plain(env, cpu); });
  object["computeMode"] = or_null(env, facts.compute_mode);
  object["persistenceMode"] = or_null(env, facts.persistence_mode);
  object["eccEnabled"] = or_null(env, facts.ecc_enabled);
  object["powerLimitWatts"] = or_null(env, facts.power_limit_watts);
  object["powerLimitLeastWatts"] = or_null(env, facts.power_limit_least_watts);
  object["powerLimitMostWatts"] = or_null(env, facts.power_limit_most_watts);
  object["slowdownCelsius"] = or_null(env, facts.slowdown_celsius);
  object["mostGraphicsMegahertz"] = or_null(env, facts.most_graphics_megahertz);
  object["mostSmMegahertz"] = or_null(env, facts.most_sm_megahertz);
  object["mostMemoryMegahertz"] = or_null(env, facts.most_memory_megahertz);
  return object;
}

const char *kind_name(ProcessKind kind) {
  switch (kind) {
    case ProcessKind::graphics: return "graphics";
    case ProcessKind::mps: return "mps";
    default: return "compute";
  }
}

}  // namespace

Napi::Value driver_facts(Napi::Env env, const DriverFacts &driver) {
  Napi::Object facts = Napi::Object::New(env);
  facts["driverVersion"] = or_null(env, driver.driver_version);
  facts["cudaVersion"] = or_null(env, driver.cuda_version);
  facts["nvmlVersion"] = or_null(env, driver.nvml_version);
  facts["simulated"] = plain(env, driver.simulated);
  return facts;
}

Napi::Value device_list(Napi::Env env, const std::vector<DeviceFacts> &devices) {
  return list_of(env, devices, [&](const DeviceFacts &each) { return device_facts(env, each); });
}

Napi::Value link_list(Napi::Env env, const std::vector<LinkFacts> &links) {
  return list_of(env, links, [&](const LinkFacts &each) { return link_facts(env, each); });
}

Napi::Value sample_of(Napi::Env env, const DeviceSample &sample) {
  Napi::Object object = Napi::Object::New(env);
  object["uuid"] = plain(env, sample.uuid);
  object["takenAt"] = plain(env, sample.taken_at_milliseconds);
  object["lost"] = plain(env, sample.lost);
  object["memoryUsedBytes"] = or_null(env, sample.memory_used_bytes);
  object["memoryFreeBytes"] = or_null(env, sample.memory_free_bytes);
  object["memoryReservedBytes"] = or_null(env, sample.memory_reserved_bytes);
  object["utilisation"] = or_null(env, sample.utilisation);
  object["memoryUtilisation"] = or_null(env, sample.memory_utilisation);
  object["temperatureCelsius"] = or_null(env, sample.temperature_celsius);
  object["powerWatts"] = or_null(env, sample.power_watts);
  object["graphicsMegahertz"] = or_null(env, sample.graphics_megahertz);
  object["smMegahertz"] = or_null(env, sample.sm_megahertz);
  object["memoryMegahertz"] = or_null(env, sample.memory_megahertz);
  object["throttleReasons"] = or_null(env, sample.throttle_reasons);
  object["eccCorrected"] = or_null(env, sample.ecc_corrected);
  object["eccUncorrected"] = or_null(env, sample.ecc_uncorrected);
  object["remappedRows"] = env.Null();
  if (sample.remapped_rows) {
    Napi::Object rows = Napi::Object::New(env);
    rows["correctable"] = plain(env, sample.remapped_rows->correctable);
    rows["uncorrectable"] = plain(env, sample.remapped_rows->uncorrectable);
    rows["pending"] = plain(env, sample.remapped_rows->pending);
    rows["failed"] = plain(env, sample.remapped_rows->failed);
    object["remappedRows"] = rows;
  }
  object["memoryTemperatureCelsius"] = or_null(env, sample.memory_temperature_celsius);
  object["energyJoules"] = or_null(env, sample.energy_joules);
  object["pcieReplays"] = or_null(env, sample.pcie_replays);
  object["nvlinkTransmittedBytes"] = or_null(env, sample.nvlink_transmitted_bytes);
  object["nvlinkReceivedBytes"] = or_null(env, sample.nvlink_received_bytes);
  object["nvlinkFlitCrcErrors"] = or_null(env, sample.nvlink_flit_crc_errors);
  object["nvlinkDataCrcErrors"] = or_null(env, sample.nvlink_data_crc_errors);
  object["nvlinkReplays"] = or_null(env, sample.nvlink_replays);
  object["nvlinkRecoveries"] = or_null(env, sample.nvlink_recoveries);
  object["processes"] = env.Null();
  if (sample.processes) {
    object["processes"] = list_of(env, *sample.processes, [&](const ProcessSample &process) {
      Napi::Object each = Napi::Object::New(env);
      each["pid"] = plain(env, process.pid);
      each["kind"] = Napi::String::New(env, kind_name(process.kind));
      each["memoryBytes"] = or_null(env, process.memory_bytes);
      return each;
    });
  }
  return object;
}

Napi::Value event_list(Napi::Env env, const std::vector<DeviceEvent> &events) {
  return list_of(env, events, [&](const DeviceEvent &event) {
    Napi::Object object = Napi::Object::New(env);
    object["uuid"] = plain(env, event.uuid);
    object["type"] = plain(env, event.type);
    object["data"] = plain(env, event.data);
    return object;
  });
}

Napi::Value failure(Napi::Env env, const DriverFailure &failure) {
  Napi::Error error = Napi::Error::New(env, failure.what());
  error.Set("code", Napi::String::New(env, failure.code()));
  return error.Value();
}
