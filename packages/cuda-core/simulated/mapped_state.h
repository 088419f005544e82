#pragma once

#include "state.h"

/** Maps the state file at `path`; null where that is no state of ours. Whoever maps unmaps. */
SimulatedState *map_state(const char *path);
void unmap_state(SimulatedState *state);

/** Maps the state that BERTH_SIMULATED_STATE names. */
SimulatedState *map_named_state();

/** Tells of an XID, to all who wait for one. */
void tell_xid(SimulatedState &state, uint32_t device, uint32_t xid);
