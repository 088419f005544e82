#include "device_sample.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "answered.h"

namespace {

constexpr unsigned kMostProcesses = 4096;

double milliseconds_since_epoch() {
  using namespace std::chrono;
  return static_cast<double>(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

/** Asks one device, and notices when it answers that it is lost. */
class Questions {
 public:
  template <typename Function, typename... Arguments> bool ask(Function *function, Arguments... arguments) {
    // What is lost stays lost; asking on would only take time.
    if (!function || lost) return false;
    const nvmlReturn_t result = function(arguments...);
    lost = result == NVML_ERROR_GPU_IS_LOST;
    return result == NVML_SUCCESS;
  }

  template <typename Result, typename Function, typename... Arguments>
  std::optional<Result> number(Function *function, Arguments... arguments) {
    Result value = {};
    if (!ask(function, arguments..., &value)) return std::nullopt;
    return value;
  }

  bool lost = false;
};

/** The second version tells the driver's own reserve from what is used; the first counts it as used. */
void sample_memory(Questions &questions, const NvmlLibrary &library, nvmlDevice_t device, DeviceSample &sample) {
  nvmlMemory_v2_t newer = {};
  newer.version = kNvmlMemoryV2;
  if (questions.ask(library.memory_v2, device, &newer)) {
    sample.memory_used_bytes = newer.used;
    sample.memory_free_bytes = newer.free;
    sample.memory_reserved_bytes = newer.reserved;
    return;
  }
  nvmlMemory_t older = {};
  if (questions.ask(library.memory, device, &older)) {
    sample.memory_used_bytes = older.used;
    sample.memory_free_bytes = older.free;
  }
}

void sample_temperature(Questions &questions, const NvmlLibrary &library, nvmlDevice_t device, DeviceSample &sample) {
  nvmlTemperature_v1_t newer = {kNvmlTemperatureV1, kNvmlTemperatureGpu, 0};
  if (questions.ask(library.temperature_v, device, &newer)) {
    sample.temperature_celsius = newer.temperature;
  } else {
    sample.temperature_celsius = questions.number<unsigned>(library.temperature, device, kNvmlTemperatureGpu);
  }
}

/** A figure that NVML has as a field. */
struct FieldFigure {
  unsigned field, scope;
  std::optional<double> DeviceSample::*figure;
  double times;
};
/** The first is the chip's, however it is divided; the others are the whole board's, and no instance's own. */
constexpr FieldFigure kFieldFigures[] = {
    {kNvmlFieldMemoryTemperature, 0, &DeviceSample::memory_temperature_celsius, 1},
    {kNvmlFieldEnergyMillijoules, 0, &DeviceSample::energy_joules, 0.001},
    {kNvmlFieldPcieReplays, 0, &DeviceSample::pcie_replays, 1},
    {kNvmlFieldNvlinkTransmittedKibibytes, kNvmlAllLinks, &DeviceSample::nvlink_transmitted_bytes, 1024},
    {kNvmlFieldNvlinkReceivedKibibytes, kNvmlAllLinks, &DeviceSample::nvlink_received_bytes, 1024},
    {kNvmlFieldNvlinkFlitCrcErrors, 0, &DeviceSample::nvlink_flit_crc_errors, 1},
    {kNvmlFieldNvlinkDataCrcErrors, 0, &DeviceSample::nvlink_data_crc_errors, 1},
    {kNvmlFieldNvlinkReplays, 0, &DeviceSample::nvlink_replays, 1},
    {kNvmlFieldNvlinkRecoveries, 0, &DeviceSample::nvlink_recoveries, 1},
};
constexpr size_t kFieldsOfChip = 1;

std::optional<double> number_in(const nvmlFieldValue_t &field) {
  if (field.nvmlReturn != NVML_SUCCESS) return std::nullopt;
  switch (field.valueType) {
    case kNvmlDouble: return field.value.dVal;
    case kNvmlUnsigned: return field.value.uiVal;
    case kNvmlUnsignedLong: return static_cast<double>(field.value.ulVal);
    case kNvmlUnsignedLongLong: return static_cast<double>(field.value.ullVal);
    case kNvmlSignedLongLong: return static_cast<double>(field.value.sllVal);
    case kNvmlSigned: return field.value.siVal;
  }
  return std::nullopt;
}

/** In one call: each costs a way into the kernel. */
void sample_fields(Questions &questions, const NvmlLibrary &library, nvmlDevice_t board, bool is_instance,
                   DeviceSample &sample) {
  nvmlFieldValue_t values[std::size(kFieldFigures)] = {};
  const size_t count = is_instance ? kFieldsOfChip : std::size(kFieldFigures);
  for (size_t i = 0; i < count; ++i) {
    values[i].fieldId = kFieldFigures[i].field;
    values[i].scopeId = kFieldFigures[i].scope;
    // Of a driver that leaves out what it doesn't know.
    values[i].nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
  }
  if (!questions.ask(library.field_values, board, static_cast<int>(count), values)) return;
  for (size_t i = 0; i < count; ++i) {
    if (const auto value = number_in(values[i])) sample.*kFieldFigures[i].figure = *value * kFieldFigures[i].times;
  }
}

/** Adds the processes of one kind. @returns whether the driver told of them */
template <typename Info>
bool add_processes(Questions &questions, nvmlReturn_t (*list)(nvmlDevice_t, unsigned *, Info *), nvmlDevice_t device,
                   ProcessKind kind, std::vector<ProcessSample> &samples) {
  if (!list || questions.lost) return false;
  std::vector<Info> infos(16);
  for (;;) {
    unsigned count = static_cast<unsigned>(infos.size());
    const nvmlReturn_t result = list(device, &count, infos.data());
    // NVML wants to be told how much room there is, and answers with how much it needs.
    if (result == NVML_ERROR_INSUFFICIENT_SIZE && infos.size() < kMostProcesses) {
      // New ones may come between the two calls.
      infos.resize(std::min<size_t>(std::max<size_t>(count, infos.size()) * 2, kMostProcesses));
      continue;
    }
    questions.lost = result == NVML_ERROR_GPU_IS_LOST;
    if (result != NVML_SUCCESS) return false;
    infos.resize(std::min<size_t>(count, infos.size()));
    break;
  }
  for (const Info &info : infos) {
    // One that computes and draws is in both lists, with the same memory.
    const bool known = std::any_of(samples.begin(), samples.end(), [&](const auto &each) { return each.pid == info.pid; });
    if (known) continue;
    ProcessSample sample = {info.pid, kind, std::nullopt};
    if (info.usedGpuMemory != kNvmlNotAvailable) sample.memory_bytes = info.usedGpuMemory;
    samples.push_back(sample);
  }
  return true;
}

std::optional<std::vector<ProcessSample>> processes_of(Questions &questions, const NvmlLibrary &library,
                                                       nvmlDevice_t device) {
  std::vector<ProcessSample> samples;
  const bool told = add_processes(questions, library.compute_processes, device, ProcessKind::compute, samples) ||
                    add_processes(questions, library.compute_processes_v1, device, ProcessKind::compute, samples);
  if (!told) return std::nullopt;
  add_processes(questions, library.mps_processes, device, ProcessKind::mps, samples);
  add_processes(questions, library.graphics_processes, device, ProcessKind::graphics, samples);
  return samples;
}

}  // namespace

DeviceSample sample_of(const NvmlLibrary &library, nvmlDevice_t device, nvmlDevice_t board) {
  Questions questions;
  DeviceSample sample;
  sample.taken_at_milliseconds = milliseconds_since_epoch();
  sample_memory(questions, library, device, sample);
  nvmlUtilization_t utilization = {};
  if (questions.ask(library.utilization, device, &utilization)) {
    sample.utilisation = utilization.gpu / 100.0;
    sample.memory_utilisation = utilization.memory / 100.0;
  }
  // One chip has one temperature and one clock, however it is divided.
  sample_temperature(questions, library, board, sample);
  sample.graphics_megahertz = questions.number<unsigned>(library.clock, board, kNvmlClockGraphics);
  sample.sm_megahertz = questions.number<unsigned>(library.clock, board, kNvmlClockSm);
  sample.memory_megahertz = questions.number<unsigned>(library.clock, board, kNvmlClockMemory);
  sample.throttle_reasons = questions.number<unsigned long long>(library.throttle_reasons, board);
  // Its power is the whole board's: no instance's own.
  if (const auto milliwatts = questions.number<unsigned>(library.power, device)) sample.power_watts = *milliwatts / 1000.0;
  sample.ecc_corrected =
      questions.number<unsigned long long>(library.ecc_errors, board, kNvmlErrorCorrected, kNvmlEccVolatile);
  sample.ecc_uncorrected =
      questions.number<unsigned long long>(library.ecc_errors, board, kNvmlErrorUncorrected, kNvmlEccVolatile);
  unsigned correctable = 0, uncorrectable = 0, pending = 0, failed = 0;
  if (questions.ask(library.remapped_rows, board, &correctable, &uncorrectable, &pending, &failed)) {
    sample.remapped_rows = RemappedRows{correctable, uncorrectable, pending != 0, failed != 0};
  }
  sample_fields(questions, library, board, device != board, sample);
  sample.processes = processes_of(questions, library, device);
  sample.lost = questions.lost;
  return sample;
}
