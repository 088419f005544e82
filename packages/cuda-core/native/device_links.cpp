#include "device_links.h"

#include <algorithm>
#include <map>

#include "answered.h"

namespace {

using Location = std::pair<unsigned, unsigned>;

/** The active NVLinks of one GPU, by what is at their other end. */
struct Links {
  std::map<Location, uint32_t> to_devices;
  uint32_t to_switches = 0;
  /** The driver told of links at all: then none is none, and not unknown. */
  bool known = false;
};

Links active_links(const NvmlLibrary &library, nvmlDevice_t device) {
  Links links;
  for (unsigned link = 0; link < kNvmlMostLinks; ++link) {
    unsigned active = 0;
    if (!answered(library.nvlink_state, device, link, &active)) continue;
    links.known = true;
    if (!active) continue;
    if (number<unsigned>(library.nvlink_remote_type, device, link) == kNvmlLinkToSwitch) {
      ++links.to_switches;
      continue;
    }
    nvmlPciInfo_t remote = {};
    if (answered(library.nvlink_remote_pci, device, link, &remote)) ++links.to_devices[{remote.domain, remote.bus}];
  }
  return links;
}

}  // namespace

void find_links(const NvmlLibrary &library, std::vector<Gpu> &gpus) {
  std::vector<Links> links;
  std::vector<Location> locations;
  for (const Gpu &gpu : gpus) {
    links.push_back(active_links(library, gpu.handle));
    nvmlPciInfo_t pci = {};
    answered(library.pci_info, gpu.handle, &pci);
    locations.emplace_back(pci.domain, pci.bus);
  }
  for (size_t one = 0; one < gpus.size(); ++one) {
    for (size_t other = 0; other < gpus.size(); ++other) {
      if (one == other) continue;
      LinkFacts link;
      link.uuid = gpus[other].facts.uuid;
      link.topology_level = number<unsigned>(library.topology, gpus[one].handle, gpus[other].handle);
      if (links[one].known) {
        const auto direct = links[one].to_devices.find(locations[other]);
        link.nvlinks = direct == links[one].to_devices.end() ? 0 : direct->second;
        // Through switches each reaches all others with all its links, as far as the driver lets them.
        const uint32_t switched = std::min(links[one].to_switches, links[other].to_switches);
        if (switched > 0 && number<unsigned>(library.p2p_status, gpus[one].handle, gpus[other].handle,
                                             kNvmlP2pNvlink) == kNvmlP2pOk) {
          *link.nvlinks += switched;
        }
      }
      gpus[one].facts.links.push_back(std::move(link));
    }
  }
}
