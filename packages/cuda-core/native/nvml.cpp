#include "nvml.h"

#include <chrono>
#include <thread>

#include "answered.h"
#include "device_facts.h"
#include "device_links.h"
#include "device_sample.h"

namespace {

/** Waiting is done in pieces, to notice that it shall end. */
constexpr unsigned kWaitMilliseconds = 200;

void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(kWaitMilliseconds)); }

}  // namespace

std::shared_ptr<Nvml> Nvml::open(const std::string &directory) {
  auto library = std::make_unique<NvmlLibrary>(directory);
  if (!library->nvml.is_open()) {
    throw DriverFailure(library->nvml.absent() ? "driver_not_found" : "driver_broken", library->nvml.error());
  }
  if (!library->init || !library->count || !library->handle_by_index || !library->uuid) {
    throw DriverFailure("driver_broken", "libnvidia-ml.so.1 lacks functions that every driver since 2012 has");
  }
  const nvmlReturn_t result = library->init();
  std::shared_ptr<Nvml> nvml(new Nvml(std::move(library)));
  nvml->initialised_ = result == NVML_SUCCESS;
  if (!nvml->initialised_) throw nvml->failed("nvmlInit_v2", result);
  return nvml;
}

Nvml::~Nvml() {
  if (events_ && library_->free_event_set) library_->free_event_set(events_);
  if (initialised_ && library_->shutdown) library_->shutdown();
}

DriverFailure Nvml::failed(const char *function, nvmlReturn_t result) const {
  const char *words = library_->error_string ? library_->error_string(result) : nullptr;
  return DriverFailure(result == NVML_ERROR_LIB_RM_VERSION_MISMATCH ? "driver_version_mismatch" : "driver_broken",
                       std::string(function) + " answered " + std::to_string(result) + (words ? std::string(": ") + words : ""));
}

DriverFacts Nvml::driver() {
  DriverFacts facts;
  facts.driver_version = text(library_->driver_version);
  facts.nvml_version = text(library_->nvml_version);
  int version = 0;
  const bool known = answered(library_->cuda_version, &version) ||
                     (library_->cuda_driver_version && library_->cuda_driver_version(&version) == 0);
  // CUDA counts 12.8 as 12080.
  if (known && version > 0) facts.cuda_version = std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  facts.simulated = library_->simulated != nullptr;
  return facts;
}

unsigned Nvml::count() {
  unsigned count = 0;
  const nvmlReturn_t result = library_->count(&count);
  if (result != NVML_SUCCESS) throw failed("nvmlDeviceGetCount_v2", result);
  return count;
}

std::vector<DeviceFacts> Nvml::gpu(unsigned index) {
  nvmlDevice_t handle = nullptr;
  const nvmlReturn_t result = library_->handle_by_index(index, &handle);
  if (result != NVML_SUCCESS) throw DriverFailure("device_lost", failed("nvmlDeviceGetHandleByIndex_v2", result).what());
  Gpu gpu = {handle, facts_of_gpu(*library_, handle)};
  // Without an identity it can't be held for anybody.
  if (gpu.facts.uuid.empty()) throw DriverFailure("device_lost", "it does not say its UUID");
  gpu.facts.index = index;
  listen(gpu.facts.uuid, handle);
  std::vector<MigInstance> instances = mig_instances_of(*library_, gpu);
  const std::lock_guard<std::mutex> lock(mutex_);
  places_[gpu.facts.uuid] = {handle, handle};
  std::vector<DeviceFacts> devices = {gpu.facts};
  for (MigInstance &instance : instances) {
    places_[instance.facts.uuid] = {instance.handle, handle};
    devices.push_back(std::move(instance.facts));
  }
  return devices;
}

std::vector<LinkFacts> Nvml::links(const std::string &uuid) {
  const Place own = place_of(uuid);
  std::map<std::string, nvmlDevice_t> others;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto &[other, place] : places_) {
      if (other != uuid && place.device == place.board) others[other] = place.device;
    }
  }
  return links_between(*library_, own.device, others);
}

Nvml::Place Nvml::place_of(const std::string &uuid) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = places_.find(uuid);
  if (found == places_.end()) throw DriverFailure("device_unknown", uuid + " was never told of");
  return found->second;
}

DeviceSample Nvml::sample(const std::string &uuid) {
  const Place place = place_of(uuid);
  DeviceSample sample = sample_of(*library_, place.device, place.board);
  sample.uuid = uuid;
  return sample;
}

void Nvml::listen(const std::string &uuid, nvmlDevice_t device) {
  if (!library_->wait_for_event || !library_->register_events || !library_->create_event_set) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (listened_.count(device)) return;
  if (!events_ && library_->create_event_set(&events_) != NVML_SUCCESS) events_ = nullptr;
  unsigned long long types = kNvmlEventXid | kNvmlEventDoubleBitEcc;
  unsigned long long supported = 0;
  if (answered(library_->event_types, device, &supported)) types &= supported;
  if (events_ && types != 0 && library_->register_events(device, types, events_) == NVML_SUCCESS) {
    listened_[device] = uuid;
  }
}

std::vector<DeviceEvent> Nvml::wait_for_events(unsigned milliseconds) {
  std::vector<DeviceEvent> events;
  for (unsigned waited = 0; waited < milliseconds && !stopped_ && events.empty(); waited += kWaitMilliseconds) {
    nvmlEventSet_t set;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      set = listened_.empty() ? nullptr : events_;
    }
    if (!set) {
      rest();
      continue;
    }
    nvmlEventData_t data = {};
    nvmlReturn_t result = library_->wait_for_event(set, &data, kWaitMilliseconds);
    // It answers at once where a device is lost: that is no reason to ask without end.
    if (result != NVML_SUCCESS && result != NVML_ERROR_TIMEOUT) rest();
    // Then all that are there already.
    for (; result == NVML_SUCCESS; result = library_->wait_for_event(set, &data, 0)) {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = listened_.find(data.device);
      if (found != listened_.end()) events.push_back({found->second, data.eventType, data.eventData});
    }
  }
  return events;
}
