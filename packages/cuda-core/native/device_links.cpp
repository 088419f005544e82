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

std::vector<LinkFacts> links_between(const NvmlLibrary &library, nvmlDevice_t device,
                                     const std::map<std::string, nvmlDevice_t> &others) {
  const Links own = active_links(library, device);
  std::vector<LinkFacts> links;
  for (const auto &[uuid, other] : others) {
    LinkFacts link = {uuid, std::nullopt, number<unsigned>(library.topology, device, other)};
    nvmlPciInfo_t pci = {};
    if (own.known && answered(library.pci_info, other, &pci)) {
      const auto direct = own.to_devices.find({pci.domain, pci.bus});
      link.nvlinks = direct == own.to_devices.end() ? 0 : direct->second;
      // Through switches each reaches all others with all its links, as far as the driver lets them.
      if (own.to_switches > 0 && number<unsigned>(library.p2p_status, device, other, kNvmlP2pNvlink) == kNvmlP2pOk) {
        *link.nvlinks += std::min(own.to_switches, active_links(library, other).to_switches);
      }
    }
    links.push_back(std::move(link));
  }
  return links;
}
