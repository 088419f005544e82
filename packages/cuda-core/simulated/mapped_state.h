#pragma once

#include "state.h"

/** The state that BERTH_SIMULATED_STATE names, mapped once per process; null where that is no state of ours. */
SimulatedState *mapped_state();
