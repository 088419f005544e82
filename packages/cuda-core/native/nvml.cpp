#include "nvml.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "dynamic_library.h"
#include "nvml_types.h"

namespace {

constexpr unsigned kMostProcesses = 4096;

int64_t milliseconds_since_epoch() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

/** The functions, each null where this version of the library lacks it. */
struct Nvml::Library {
  explicit Library(const std::string &directory)
      : nvml(directory, "libnvidia-ml.so.1"), cuda(directory, "libcuda.so.1") {
    nvml.find("nvmlInit_v2", init);
    nvml.find("nvmlShutdown", shutdown);
    nvml.find("nvmlErrorString", error_string);
    nvml.find("nvmlSystemGetDriverVersion", driver_version);
    nvml.find("nvmlSystemGetNVMLVersion", nvml_version);
    nvml.find("nvmlSystemGetCudaDriverVersion_v2", cuda_version);
    nvml.find("nvmlDeviceGetCount_v2", count);
    nvml.find("nvmlDeviceGetHandleByIndex_v2", handle_by_index);
    nvml.find("nvmlDeviceGetUUID", uuid);
    nvml.find("nvmlDeviceGetName", name);
    nvml.find("nvmlDeviceGetPciInfo_v3", pci_info);
    nvml.find("nvmlDeviceGetMemoryInfo_v2", memory_v2);
    nvml.find("nvmlDeviceGetMemoryInfo", memory);
    nvml.find("nvmlDeviceGetCudaComputeCapability", compute_capability);
    nvml.find("nvmlDeviceGetUtilizationRates", utilization);
    nvml.find("nvmlDeviceGetTemperature", temperature);
    nvml.find("nvmlDeviceGetPowerUsage", power);
    nvml.find("nvmlDeviceGetComputeRunningProcesses_v3", processes);
    if (!processes) nvml.find("nvmlDeviceGetComputeRunningProcesses_v2", processes);
    nvml.find("nvmlDeviceGetComputeRunningProcesses", processes_v1);
    nvml.find("berth_simulated_driver", simulated);
    cuda.find("cuDriverGetVersion", cuda_driver_version);
  }

  DynamicLibrary nvml;
  DynamicLibrary cuda;
  nvmlReturn_t (*init)();
  nvmlReturn_t (*shutdown)();
  const char *(*error_string)(nvmlReturn_t);
  nvmlReturn_t (*driver_version)(char *, unsigned);
  nvmlReturn_t (*nvml_version)(char *, unsigned);
  nvmlReturn_t (*cuda_version)(int *);
  nvmlReturn_t (*count)(unsigned *);
  nvmlReturn_t (*handle_by_index)(unsigned, nvmlDevice_t *);
  nvmlReturn_t (*uuid)(nvmlDevice_t, char *, unsigned);
  nvmlReturn_t (*name)(nvmlDevice_t, char *, unsigned);
  nvmlReturn_t (*pci_info)(nvmlDevice_t, nvmlPciInfo_t *);
  nvmlReturn_t (*memory_v2)(nvmlDevice_t, nvmlMemory_v2_t *);
  nvmlReturn_t (*memory)(nvmlDevice_t, nvmlMemory_t *);
  nvmlReturn_t (*compute_capability)(nvmlDevice_t, int *, int *);
  nvmlReturn_t (*utilization)(nvmlDevice_t, nvmlUtilization_t *);
  nvmlReturn_t (*temperature)(nvmlDevice_t, unsigned, unsigned *);
  nvmlReturn_t (*power)(nvmlDevice_t, unsigned *);
  nvmlReturn_t (*processes)(nvmlDevice_t, unsigned *, nvmlProcessInfo_t *);
  nvmlReturn_t (*processes_v1)(nvmlDevice_t, unsigned *, nvmlProcessInfo_v1_t *);
  void (*simulated)();
  int (*cuda_driver_version)(int *);
};

namespace {

/** What a text function of NVML says. */
template <typename Call> std::optional<std::string> text(Call call) {
  char buffer[kNvmlTextBytes] = {};
  if (call(buffer, kNvmlTextBytes) != NVML_SUCCESS) return std::nullopt;
  buffer[kNvmlTextBytes - 1] = 0;
  return std::string(buffer);
}

struct Memory {
  uint64_t total, free, used;
};

/** The second version tells the driver's own reserve from what is used; the first counts it as used. */
std::optional<Memory> memory_of(nvmlReturn_t (*v2)(nvmlDevice_t, nvmlMemory_v2_t *),
                                nvmlReturn_t (*v1)(nvmlDevice_t, nvmlMemory_t *), nvmlDevice_t device) {
  nvmlMemory_v2_t newer = {};
  newer.version = kNvmlMemoryV2;
  if (v2 && v2(device, &newer) == NVML_SUCCESS) return Memory{newer.total, newer.free, newer.used};
  nvmlMemory_t older = {};
  if (v1 && v1(device, &older) == NVML_SUCCESS) return Memory{older.total, older.free, older.used};
  return std::nullopt;
}

/** NVML wants to be told how much room there is, and answers INSUFFICIENT_SIZE with how much it needs. */
template <typename Info>
std::optional<std::vector<ProcessSample>> processes_of(nvmlReturn_t (*list)(nvmlDevice_t, unsigned *, Info *),
                                                       nvmlDevice_t device) {
  std::vector<Info> infos(16);
  for (;;) {
    unsigned count = static_cast<unsigned>(infos.size());
    const nvmlReturn_t result = list(device, &count, infos.data());
    if (result == NVML_ERROR_INSUFFICIENT_SIZE && infos.size() < kMostProcesses) {
      // New ones may come between the two calls.
      infos.resize(std::min<size_t>(std::max<size_t>(count, infos.size()) * 2, kMostProcesses));
      continue;
    }
    if (result != NVML_SUCCESS) return std::nullopt;
    infos.resize(std::min<size_t>(count, infos.size()));
    break;
  }
  std::vector<ProcessSample> samples;
  for (const Info &info : infos) {
    ProcessSample sample = {info.pid, std::nullopt};
    if (info.usedGpuMemory != kNvmlNotAvailable) sample.memory_bytes = info.usedGpuMemory;
    samples.push_back(sample);
  }
  return samples;
}

}  // namespace

Nvml::Nvml(std::unique_ptr<Library> library, bool initialised)
    : library_(std::move(library)), initialised_(initialised) {}

Nvml::~Nvml() {
  if (initialised_ && library_->shutdown) library_->shutdown();
}

std::unique_ptr<Nvml> Nvml::open(const std::string &directory) {
  auto library = std::make_unique<Library>(directory);
  if (!library->nvml.is_open()) {
    throw DriverFailure(library->nvml.absent() ? "driver_not_found" : "driver_broken", library->nvml.error());
  }
  if (!library->init || !library->count || !library->handle_by_index || !library->uuid) {
    throw DriverFailure("driver_broken", "libnvidia-ml.so.1 lacks functions that every driver since 2012 has");
  }
  const nvmlReturn_t result = library->init();
  std::unique_ptr<Nvml> nvml(new Nvml(std::move(library), result == NVML_SUCCESS));
  if (result != NVML_SUCCESS) throw nvml->failed("nvmlInit_v2", result);
  return nvml;
}

DriverFailure Nvml::failed(const char *function, int result) const {
  const char *words = library_->error_string ? library_->error_string(result) : nullptr;
  return DriverFailure(result == NVML_ERROR_LIB_RM_VERSION_MISMATCH ? "driver_version_mismatch" : "driver_broken",
                       std::string(function) + " answered " + std::to_string(result) + (words ? std::string(": ") + words : ""));
}

DriverFacts Nvml::driver() {
  DriverFacts facts;
  if (library_->driver_version) facts.driver_version = text(library_->driver_version);
  if (library_->nvml_version) facts.nvml_version = text(library_->nvml_version);
  int version = 0;
  const bool known = (library_->cuda_version && library_->cuda_version(&version) == NVML_SUCCESS) ||
                     (library_->cuda_driver_version && library_->cuda_driver_version(&version) == 0);
  // CUDA counts 12.8 as 12080.
  if (known && version > 0) facts.cuda_version = std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  facts.simulated = library_->simulated != nullptr;
  return facts;
}

std::vector<void *> Nvml::handles() {
  unsigned count = 0;
  std::vector<void *> devices;
  const nvmlReturn_t result = library_->count(&count);
  if (result != NVML_SUCCESS) throw failed("nvmlDeviceGetCount_v2", result);
  for (unsigned i = 0; i < count; ++i) {
    nvmlDevice_t device = nullptr;
    // One that fell off the bus has no handle; the others are as good as before.
    if (library_->handle_by_index(i, &device) == NVML_SUCCESS) devices.push_back(device);
  }
  return devices;
}

std::string Nvml::uuid(void *device) {
  return text([&](char *buffer, unsigned size) { return library_->uuid(device, buffer, size); }).value_or("");
}

std::vector<DeviceFacts> Nvml::devices() {
  std::vector<DeviceFacts> devices;
  for (void *device : handles()) {
    DeviceFacts facts;
    facts.uuid = uuid(device);
    // Without an identity it can't be held for anybody.
    if (facts.uuid.empty()) continue;
    if (library_->name) {
      facts.name = text([&](char *buffer, unsigned size) { return library_->name(device, buffer, size); }).value_or("");
    }
    if (const auto memory = memory_of(library_->memory_v2, library_->memory, device)) {
      facts.memory_total_bytes = memory->total;
    }
    int major = 0, minor = 0;
    if (library_->compute_capability && library_->compute_capability(device, &major, &minor) == NVML_SUCCESS) {
      facts.compute_capability = std::to_string(major) + "." + std::to_string(minor);
    }
    nvmlPciInfo_t pci = {};
    if (library_->pci_info && library_->pci_info(device, &pci) == NVML_SUCCESS) {
      char address[32];
      std::snprintf(address, sizeof address, "%08x:%02x:%02x.0", pci.domain, pci.bus, pci.device);
      facts.pci_address = address;
    }
    devices.push_back(facts);
  }
  // As CUDA_DEVICE_ORDER=PCI_BUS_ID counts them. The addresses have one width, so text order is bus order.
  std::stable_sort(devices.begin(), devices.end(),
                   [](const DeviceFacts &a, const DeviceFacts &b) { return a.pci_address < b.pci_address; });
  return devices;
}

std::vector<DeviceSample> Nvml::samples() {
  std::vector<DeviceSample> samples;
  for (void *device : handles()) {
    DeviceSample sample;
    sample.uuid = uuid(device);
    if (sample.uuid.empty()) continue;
    sample.taken_at_milliseconds = static_cast<double>(milliseconds_since_epoch());
    if (const auto memory = memory_of(library_->memory_v2, library_->memory, device)) {
      sample.memory_used_bytes = memory->used;
      sample.memory_free_bytes = memory->free;
    }
    nvmlUtilization_t utilization = {};
    if (library_->utilization && library_->utilization(device, &utilization) == NVML_SUCCESS) {
      sample.utilisation = utilization.gpu / 100.0;
    }
    unsigned value = 0;
    if (library_->temperature && library_->temperature(device, kNvmlTemperatureGpu, &value) == NVML_SUCCESS) {
      sample.temperature_celsius = value;
    }
    if (library_->power && library_->power(device, &value) == NVML_SUCCESS) sample.power_watts = value / 1000.0;
    if (library_->processes) sample.processes = processes_of(library_->processes, device);
    if (!sample.processes && library_->processes_v1) sample.processes = processes_of(library_->processes_v1, device);
    samples.push_back(sample);
  }
  return samples;
}
