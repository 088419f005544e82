/** A description of simulated devices, or a change of them, is wrong; the message says how, and what there is. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
}
