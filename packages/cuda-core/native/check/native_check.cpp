/*
 * The native core without Node, so that leaks can be looked for too: of Node itself nothing is freed when it ends. Each
 * check runs in a process of its own, against whichever driver is in DIRECTORY; what isn't as it should be is said on
 * standard error, and is exit code 1.
 *
 *   native-check DIRECTORY threads | reopen TIMES | hang | refused TIMES
 */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "driver_thread.h"
#include "nvml.h"

namespace {

std::vector<DeviceFacts> devices_of(Nvml &nvml) {
  std::vector<DeviceFacts> devices;
  for (unsigned i = 0; i < nvml.count(); ++i) {
    for (DeviceFacts &device : nvml.gpu(i)) devices.push_back(std::move(device));
  }
  return devices;
}

void require(bool condition, const std::string &what) {
  if (!condition) throw std::logic_error(what);
}

/** Everything that a driver can be asked, by everybody at once. Once their number is said, the devices may be changed meanwhile. */
void threads(const std::string &directory, int) {
  const std::shared_ptr<Nvml> nvml = Nvml::open(directory);
  const std::vector<DeviceFacts> devices = devices_of(*nvml);
  require(!devices.empty(), "there are no devices");
  std::printf("%zu devices\n", devices.size());
  std::fflush(stdout);
  std::atomic<int> samples = 0, failures = 0, events = 0;
  const auto often = [](int times, const std::function<void(int)> &what) {
    return [=] {
      for (int i = 0; i < times; ++i) what(i);
    };
  };
  std::vector<std::thread> askers;
  for (int lane = 0; lane < 4; ++lane) {
    askers.emplace_back(often(500, [&](int i) {
      const DeviceSample sample = nvml->sample(devices[static_cast<size_t>(i) % devices.size()].uuid);
      if (sample.taken_at_milliseconds > 0) ++samples;
    }));
  }
  for (int lane = 0; lane < 2; ++lane) {
    askers.emplace_back(often(50, [&](int) {
      try {
        devices_of(*nvml);
        nvml->driver();
      } catch (const DriverFailure &) {
        ++failures;  // Whoever runs this may have asked for that.
      }
    }));
  }
  askers.emplace_back(often(200, [&](int) {
    try {
      nvml->sample("GPU-of-nobody");
    } catch (const DriverFailure &failed) {
      if (failed.code() == std::string("device_unknown")) ++failures;
    }
  }));
  std::thread listener([&] {
    // One that is asked for an hour ends when it is told to.
    events = static_cast<int>(nvml->wait_for_events(3'600'000).size());
  });
  for (std::thread &asker : askers) asker.join();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  nvml->stop_waiting();
  listener.join();
  require(samples == 2000, "of 2000 samples there were " + std::to_string(samples));
  require(failures >= 200, "a device that nobody has told of was sampled");
  std::printf("%d samples, %d events\n", samples.load(), events.load());
}

void reopen(const std::string &directory, int times) {
  for (int i = 0; i < times; ++i) {
    const std::shared_ptr<Nvml> nvml = Nvml::open(directory);
    const std::shared_ptr<Nvml> other = Nvml::open(directory);
    for (const DeviceFacts &device : devices_of(*nvml)) nvml->sample(device.uuid);
    nvml->wait_for_events(0);
    devices_of(*other);
  }
  std::printf("%d times\n", times);
}

/** The end of a process with a call under way that doesn't come back, on a thread that was left behind. */
void hang(const std::string &directory, int) {
  const std::shared_ptr<Nvml> nvml = Nvml::open(directory);
  auto thread = std::make_unique<DriverThread>();
  auto begun = std::make_shared<std::promise<void>>();
  auto come_back = std::make_shared<std::atomic<bool>>(false);
  for (int i = 0; i < 3; ++i) {
    thread->run([=] {
      if (i == 0) begun->set_value();
      devices_of(*nvml);
      *come_back = true;
    });
  }
  begun->get_future().wait();
  thread.reset();
  // A new one answers; another again had nothing to do.
  DriverThread next, idle;
  std::promise<std::string> answered;
  next.run([&] { answered.set_value(nvml->driver().driver_version.value_or("no version")); });
  std::printf("%s\n", answered.get_future().get().c_str());
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  require(!*come_back, "the driver was to hang, but it answered");
}

void refused(const std::string &directory, int times) {
  std::string code;
  for (int i = 0; i < times; ++i) {
    try {
      Nvml::open(directory);
      throw std::logic_error("the driver was opened, but it was to be refused");
    } catch (const DriverFailure &failed) {
      code = failed.code();
    }
  }
  std::printf("%s\n", code.c_str());
}

const std::map<std::string, std::function<void(const std::string &, int)>> kChecks = {
    {"threads", threads}, {"reopen", reopen}, {"hang", hang}, {"refused", refused}};

}  // namespace

int main(int argc, char **argv) {
  const auto check = argc >= 3 ? kChecks.find(argv[2]) : kChecks.end();
  if (check == kChecks.end()) {
    std::fprintf(stderr, "native-check DIRECTORY threads | reopen TIMES | hang | refused TIMES\n");
    return 64;
  }
  try {
    check->second(argv[1], argc > 3 ? std::atoi(argv[3]) : 1);
    return 0;
  } catch (const std::exception &failed) {
    std::fprintf(stderr, "%s\n", failed.what());
    return 1;
  }
}
