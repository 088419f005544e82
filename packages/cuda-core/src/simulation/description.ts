import { SimulationError } from './errors.js';
import { type MigProfile, PROFILES, type Profile } from './profiles.js';

export const MOST_GPUS = 64;
/** GPUs and their instances, as state.h has room for. */
export const MOST_DEVICES = 128;
const LONGEST_TEXT = 4096;

/** A GPU as somebody has described it. */
export interface DescribedGpu {
  /** By which it gets a UUID of its own. */
  model: string;
  profile: Profile;
  /** Which part of the description it is of: those of one part are on one board. */
  part: number;
  /** null: not divided. */
  mig: { name: string; profile: MigProfile }[] | null;
  uuid?: string;
  pciAddress?: string;
  numaNode?: number;
}

/** What is simulated. */
export interface Description {
  gpus: DescribedGpu[];
  driverVersion: string;
  /** Such as `12.8`. */
  cudaVersion: string;
}

export const DRIVER = { driverVersion: '570.86.15', cudaVersion: '12.8' };

/**
 * Reads a description such as `2xH100-80GB`, `1xT4+2xA100-40GB` or, with MIG instances, `1xA100-40GB:1g.5gb*7` and
 * `1xH100-80GB:3g.40gb/2g.20gb/1g.10gb*2`; `:mig` is MIG mode without instances.
 * @throws SimulationError
 */
export function readText(spec: string): Description {
  const shown = spec.length > 60 ? `${spec.slice(0, 60)}…` : spec;
  if (spec.length > LONGEST_TEXT)
    throw new SimulationError(
      `'${shown}' describes no devices: it is longer than any description needs to be`,
    );
  const gpus: DescribedGpu[] = [];
  for (const [part, text] of spec.split('+').entries()) {
    const match = /^\s*(\d{1,4})\s*x\s*([A-Za-z0-9-]{1,32})\s*(?::\s*([a-z0-9.*/\s]{1,256}))?$/i.exec(text);
    if (!match) {
      throw new SimulationError(
        `'${shown}' describes no devices; write for example 2xH100-80GB, 1xT4+2xA100-40GB or 1xA100-40GB:1g.5gb*7`,
      );
    }
    const [, count, model, layout] = match as unknown as [string, string, string, string | undefined];
    checkCount(Number(count), gpus.length, `'${shown}'`);
    const named = profileNamed(model);
    const mig = layout === undefined ? null : readLayout(layout.trim(), named.model, named.profile);
    for (let i = 0; i < Number(count); i += 1) gpus.push({ ...named, part, mig });
  }
  checkRoom(gpus);
  return { ...DRIVER, gpus };
}

export function checkCount(count: number, before: number, where: string): void {
  if (count >= 1 && before + count <= MOST_GPUS) return;
  throw new SimulationError(
    `${where} asks for too few or too many devices: 1 to ${MOST_GPUS} GPUs can be simulated`,
  );
}

export function checkRoom(gpus: readonly DescribedGpu[]): void {
  const all = gpus.reduce((sum, { mig }) => sum + 1 + (mig?.length ?? 0), 0);
  if (all <= MOST_DEVICES) return;
  throw new SimulationError(
    `these are ${all} GPUs and MIG instances; ${MOST_DEVICES} of them together can be simulated`,
  );
}

/** A model by its name, of which the size may be left out where there is one only. */
export function profileNamed(model: string): { model: string; profile: Profile } {
  const wanted = model.toUpperCase();
  const names = Object.keys(PROFILES);
  const matches = names.filter((name) => name === wanted || name.startsWith(`${wanted}-`));
  const [match] = matches;
  if (match !== undefined && matches.length === 1)
    return { model: match, profile: PROFILES[match] as Profile };
  throw new SimulationError(
    matches.length > 1
      ? `${model} comes in several sizes; name one of ${matches.join(', ')}`
      : `no model ${model} can be simulated; there are ${names.join(', ')}`,
  );
}

function readLayout(layout: string, model: string, profile: Profile): DescribedGpu['mig'] {
  if (layout === 'mig') return instancesOf([], model, profile);
  const names = layout.split('/').flatMap((part) => {
    const match = /^\s*([0-9a-z.]{1,16})\s*(?:\*\s*([1-9]))?\s*$/i.exec(part);
    if (!match)
      throw new SimulationError(`'${part.trim()}' is no MIG instance; write for example 3g.40gb/1g.10gb*2`);
    return Array.from({ length: Number(match[2] ?? 1) }, () => (match[1] as string).toLowerCase());
  });
  return instancesOf(names, model, profile);
}

/** The instances of these names, where they fit on a GPU of this model. @throws SimulationError */
export function instancesOf(
  names: readonly string[],
  model: string,
  { mig }: Profile,
): NonNullable<DescribedGpu['mig']> {
  const known = Object.keys(mig);
  if (known.length === 0) throw new SimulationError(`${model} can't be divided into MIG instances`);
  const instances = names.map((name) => {
    if (Object.hasOwn(mig, name)) return { name, profile: mig[name] as MigProfile };
    throw new SimulationError(`${model} has no MIG profile ${name}; there are ${known.join(', ')}`);
  });
  const compute = instances.reduce((sum, { profile }) => sum + profile.computeSlices, 0);
  const memory = instances.reduce((sum, { profile }) => sum + profile.memorySlices, 0);
  if (compute > 7 || memory > 8) {
    throw new SimulationError(
      `${names.join('/')} need ${compute} compute and ${memory} memory slices; ${model} has 7 and 8`,
    );
  }
  return instances;
}
