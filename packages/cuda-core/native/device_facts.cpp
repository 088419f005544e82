#include "device_facts.h"

#include <cstdio>

#include "answered.h"

namespace {

/** More CPUs than any host has that NVML runs on, in nvmlDeviceGetCpuAffinity's words. */
constexpr unsigned kAffinityWords = 4096 / (8 * sizeof(unsigned long));
/** Where memory is no NUMA node of its own or of anybody. */
constexpr unsigned kNoNumaNode = ~0u;

std::optional<double> watts(const std::optional<unsigned> &milliwatts) {
  if (!milliwatts) return std::nullopt;
  return *milliwatts / 1000.0;
}

std::optional<uint64_t> memory_of(const NvmlLibrary &library, nvmlDevice_t device) {
  nvmlMemory_v2_t newer = {};
  newer.version = kNvmlMemoryV2;
  if (answered(library.memory_v2, device, &newer)) return newer.total;
  nvmlMemory_t older = {};
  if (answered(library.memory, device, &older)) return older.total;
  return std::nullopt;
}

std::optional<std::vector<uint32_t>> cpus_of(const NvmlLibrary &library, nvmlDevice_t device) {
  unsigned long words[kAffinityWords] = {};
  if (!answered(library.cpu_affinity, device, kAffinityWords, words)) return std::nullopt;
  constexpr uint32_t bits = 8 * sizeof(unsigned long);
  std::vector<uint32_t> cpus;
  for (uint32_t cpu = 0; cpu < kAffinityWords * bits; ++cpu) {
    if (words[cpu / bits] >> (cpu % bits) & 1) cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace

DeviceFacts facts_of_gpu(const NvmlLibrary &library, nvmlDevice_t device) {
  DeviceFacts facts;
  facts.uuid = text(library.uuid, device).value_or("");
  facts.name = text(library.name, device).value_or("");
  facts.memory_total_bytes = memory_of(library, device);
  int major = 0, minor = 0;
  if (answered(library.compute_capability, device, &major, &minor)) {
    facts.compute_capability = std::to_string(major) + "." + std::to_string(minor);
  }
  nvmlPciInfo_t pci = {};
  if (answered(library.pci_info, device, &pci)) {
    char address[32];
    std::snprintf(address, sizeof address, "%08x:%02x:%02x.0", pci.domain, pci.bus, pci.device);
    facts.pci_address = address;
  }
  facts.architecture = number<unsigned>(library.architecture, device);
  facts.minor_number = number<unsigned>(library.minor_number, device);
  facts.numa_node = number<unsigned>(library.numa_node, device);
  if (facts.numa_node == kNoNumaNode) facts.numa_node.reset();
  facts.cpus = cpus_of(library, device);
  facts.compute_mode = number<unsigned>(library.compute_mode, device);
  unsigned now = 0, next = 0;
  if (answered(library.persistence_mode, device, &now)) facts.persistence_mode = now != 0;
  if (answered(library.ecc_mode, device, &now, &next)) facts.ecc_enabled = now != 0;
  if (answered(library.mig_mode, device, &now, &next)) facts.mig_mode = now == kNvmlMigEnabled;
  facts.power_limit_watts = watts(number<unsigned>(library.power_limit, device));
  if (answered(library.power_limit_range, device, &now, &next)) {
    facts.power_limit_least_watts = now / 1000.0;
    facts.power_limit_most_watts = next / 1000.0;
  }
  facts.slowdown_celsius = number<unsigned>(library.temperature_threshold, device, kNvmlTemperatureSlowdown);
  facts.most_graphics_megahertz = number<unsigned>(library.most_clock, device, kNvmlClockGraphics);
  facts.most_sm_megahertz = number<unsigned>(library.most_clock, device, kNvmlClockSm);
  facts.most_memory_megahertz = number<unsigned>(library.most_clock, device, kNvmlClockMemory);
  return facts;
}

std::vector<MigInstance> mig_instances_of(const NvmlLibrary &library, const Gpu &gpu) {
  std::vector<MigInstance> instances;
  if (!gpu.facts.mig_mode.value_or(false) || !library.mig_device) return instances;
  const unsigned most = number<unsigned>(library.most_mig_devices, gpu.handle).value_or(0);
  for (unsigned i = 0; i < most; ++i) {
    nvmlDevice_t handle = nullptr;
    // The places are numbered through; free ones are NOT_FOUND.
    if (library.mig_device(gpu.handle, i, &handle) != NVML_SUCCESS) continue;
    DeviceFacts facts = gpu.facts;
    facts.uuid = text(library.uuid, handle).value_or("");
    if (facts.uuid.empty()) continue;
    facts.name = text(library.name, handle).value_or(gpu.facts.name);
    facts.memory_total_bytes = memory_of(library, handle);
    facts.mig_mode.reset();
    MigFacts mig = {gpu.facts.uuid, i, number<unsigned>(library.gpu_instance, handle),
                    number<unsigned>(library.compute_instance, handle), std::nullopt, std::nullopt};
    nvmlDeviceAttributes_t attributes = {};
    if (answered(library.attributes, handle, &attributes)) {
      mig.gpu_slices = attributes.gpuInstanceSliceCount;
      mig.compute_slices = attributes.computeInstanceSliceCount;
    }
    facts.mig = mig;
    instances.push_back({handle, std::move(facts)});
  }
  return instances;
}
