#!/usr/bin/env node
import '../dist/simulation/berth-sim.js';
