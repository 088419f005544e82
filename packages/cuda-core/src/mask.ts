/**
 * CUDA_VISIBLE_DEVICES-style masks, in two readings that differ on purpose: as CUDA reads them, which drops in silence what
 * it doesn't understand, and as a request, which never does.
 *
 * Sources:
 * - CUDA Programming Guide, "CUDA Environment Variables": unset is all, empty is none; order kept; an invalid index hides
 *   what comes after it (`0,2,-1,1` is 0 and 2); UUIDs by unambiguous beginning; of MIG instances one alone is enumerated.
 * - PyTorch, `torch.cuda._parse_visible_devices`, which follows the driver where the guide is silent: an index is read as by
 *   strtoul, up to its first character that is no digit (`1gpu2,2ampere` is 1 and 2, `0x1` is 0); a repeated entry leaves
 *   nothing; the first entry decides whether a list is one of indexes, of `GPU-` or of `MIG-`, and another kind ends it.
 * - NVIDIA MIG User Guide, "CUDA Device Enumeration": CUDA enumerates a single instance, and no whole GPU beside it;
 *   `MIG-<uuid>`, before driver 470 `MIG-<GPU uuid>/<GPU instance>/<compute instance>`. A divided GPU that is named by its
 *   index or UUID stands for its first instance.
 *
 * Blanks around an entry (space, tab, newline and the like) don't count, in either reading: strtol passes over them, and
 * PyTorch strips them.
 */

/** As much of a device as a mask can name. GPUs that are divided into MIG instances are known by those alone. */
export interface MaskDevice {
  uuid: string;
  /** Of the GPU, in PCI order. */
  index: number;
  name?: string;
  /** null: a whole GPU. */
  mig?: {
    parent: string;
    /** Among the instances of its GPU. */
    index: number;
    gpuInstance: number | null;
    computeInstance: number | null;
  } | null;
}

/** What CUDA makes of a mask. */
export interface VisibleDevices {
  /** In the order in which CUDA numbers them: the first is `cuda:0`. */
  uuids: string[];
  /** The entry at which CUDA stops, if any: nothing from there on is seen. */
  ignored: { entry: string; position: number; reason: string } | null;
}

/** What is wrong with one entry of a request. */
export interface MaskProblem {
  entry: string;
  /** Counted from 1. */
  position: number;
  /** What is wrong, what CUDA would have done, and what exists. */
  message: string;
}

export type MaskRequest = { ok: true; uuids: string[] } | { ok: false; problems: MaskProblem[] };

const MOST_PROBLEMS = 5;
const LONGEST_SHOWN = 40;

/**
 * Reads a mask as CUDA does.
 * @param mask the variable's value; undefined: it isn't set, and all devices are visible
 * @param instances `first`: what a process sees, which is one MIG instance alone; `all`: what whoever hands devices out to
 * processes may give them
 */
export function readMask(
  mask: string | undefined,
  devices: readonly MaskDevice[],
  instances: 'first' | 'all' = 'first',
): VisibleDevices {
  const see = (seen: VisibleDevices): VisibleDevices =>
    instances === 'all' ? seen : withOneInstance(seen, devices);
  if (mask === undefined) return see({ uuids: inOrder(devices).map(({ uuid }) => uuid), ignored: null });
  const uuids: string[] = [];
  if (mask === '') return { uuids, ignored: null };
  let kind: Kind | undefined;
  let position = 0;
  for (const entry of entriesOf(mask)) {
    position += 1;
    const stop = (reason: string, left = uuids): VisibleDevices =>
      see({ uuids: left, ignored: { entry: shorten(entry), position, reason } });
    kind ??= kindOf(entry);
    if (kindOf(entry) !== kind)
      return stop(`a list that begins with ${NAMED[kind]} ends where another kind comes`);
    const found = kind === 'index' ? byIndex(leadingNumber(entry), devices) : byName(entry, devices);
    if (typeof found === 'string') return stop(found);
    // Nothing but it will be seen, so nothing behind it matters.
    if (uuids.some((uuid) => isInstance(uuid, devices)) && instances === 'first') return stop(ONE_INSTANCE);
    if (found.devices.some(({ uuid }) => uuids.includes(uuid)))
      return stop('a device that is named twice leaves none visible', []);
    uuids.push(...found.devices.map(({ uuid }) => uuid));
  }
  return see({ uuids, ignored: null });
}

const ONE_INSTANCE = 'CUDA shows a process one MIG instance alone';

function withOneInstance({ uuids, ignored }: VisibleDevices, devices: readonly MaskDevice[]): VisibleDevices {
  const instance = uuids.find((uuid) => isInstance(uuid, devices));
  return { uuids: instance === undefined ? uuids : [instance], ignored };
}

function isInstance(uuid: string, devices: readonly MaskDevice[]): boolean {
  return devices.some((device) => device.uuid === uuid && device.mig);
}

/**
 * Reads a mask as a user's request: indexes, `cuda:N`, `0:1` (instance 1 of GPU 0, as in NVIDIA_VISIBLE_DEVICES) and UUIDs
 * (or unambiguous beginnings of them), separated by commas, with spaces around them or not. What CUDA would drop in silence is a problem that says so.
 * @returns the devices in the order of the mask, or every problem (a handful at most)
 */
export function parseRequest(mask: string, devices: readonly MaskDevice[]): MaskRequest {
  const problems: MaskProblem[] = [];
  const uuids: string[] = [];
  const seen = new Map<string, number>();
  const exists = describe(devices);
  let position = 0;
  for (const entry of entriesOf(mask)) {
    position += 1;
    const complain = (what: string): void => {
      problems.push({
        entry: shorten(entry),
        position,
        message: `entry ${position}, '${shorten(entry)}': ${what}; ${exists}`,
      });
    };
    const found = requested(entry, devices);
    if (typeof found === 'string') complain(found);
    else if (seen.has(found.uuid)) {
      complain(
        `names the device of entry ${seen.get(found.uuid)} again; CUDA would show the job no device at all`,
      );
    } else {
      seen.set(found.uuid, position);
      uuids.push(found.uuid);
    }
    if (problems.length >= MOST_PROBLEMS) break;
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, uuids };
}

/** The entries, one by one: a mask may be a megabyte of commas, of which the first few say enough. */
function* entriesOf(mask: string): Generator<string> {
  for (let begin = 0; ; ) {
    const comma = mask.indexOf(',', begin);
    yield trim(mask, begin, comma < 0 ? mask.length : comma);
    if (comma < 0) return;
    begin = comma + 1;
  }
}

/** What C's isspace knows in the locale that the driver runs in: JavaScript's `trim` knows more. */
function trim(text: string, begin: number, end: number): string {
  const blank = (at: number): boolean => ' \t\n\v\f\r'.includes(text.charAt(at));
  while (begin < end && blank(begin)) begin += 1;
  while (end > begin && blank(end - 1)) end -= 1;
  return text.slice(begin, end);
}

function requested(entry: string, devices: readonly MaskDevice[]): MaskDevice | string {
  if (entry === '') return `is empty; ${SHOWS_NOTHING} (leave devices out for any device)`;
  const instance = /^(\d{1,9}):(\d{1,9})$/.exec(entry);
  if (instance) {
    const found = byIndex(Number(instance[1]), devices);
    if (typeof found === 'string') return `${found}; ${SHOWS_NOTHING}`;
    const wanted = found.devices.find(({ mig }) => mig?.index === Number(instance[2]));
    return wanted ?? `GPU ${instance[1]} has no MIG instance ${instance[2]}`;
  }
  const index = /^(?:cuda:)?(\d{1,9})$/.exec(entry)?.[1];
  if (index !== undefined) {
    return undivided(byIndex(Number(index), devices));
  }
  if (kindOf(entry) !== 'index') {
    return entry.length > 'GPU-'.length
      ? undivided(byName(entry, devices))
      : `is no UUID, but the beginning of all; ${SHOWS_NOTHING}`;
  }
  const number = leadingNumber(entry);
  const cuda =
    typeof byIndex(number, devices) === 'string'
      ? SHOWS_NOTHING
      : `CUDA would read it as ${Math.abs(number)}`;
  return `is neither an index, nor cuda:N, nor a UUID; ${cuda}`;
}

const SHOWS_NOTHING = 'CUDA would show the job nothing from here on';

/** The one device that an entry stands for. A request doesn't guess which part of a divided GPU is meant. */
function undivided(found: Found): MaskDevice | string {
  if (typeof found === 'string') return `${found}; ${SHOWS_NOTHING}`;
  const [device] = found.devices as [MaskDevice];
  if (!found.divided) return device;
  const such = `${device.index}:${device.mig?.index}`;
  return `GPU ${device.index} is divided into MIG instances, of which CUDA would show the first; name one of them, such as ${such}`;
}

/** `MIG-` in both of its spellings: `MIG-<uuid>` and `MIG-GPU-<uuid>/<gi>/<ci>`. The case matters. */
type Kind = 'index' | 'GPU-' | 'MIG-';

const NAMED: Record<Kind, string> = { index: 'an index', 'GPU-': 'a GPU UUID', 'MIG-': 'a MIG instance' };

function kindOf(entry: string): Kind {
  if (entry.startsWith('GPU-')) return 'GPU-';
  return entry.startsWith('MIG-') ? 'MIG-' : 'index';
}

/** What an entry names: one device, or a divided GPU, which is all of its instances. A text says why it names none. */
type Found = { devices: readonly MaskDevice[]; divided: boolean } | string;

function byName(entry: string, devices: readonly MaskDevice[]): Found {
  const former = /^MIG-(GPU-[^/]+)\/(\d+)\/(\d+)$/.exec(entry);
  if (former) {
    const [, parent, gpuInstance, computeInstance] = former;
    const found = devices.find(
      ({ mig }) =>
        mig?.parent === parent &&
        mig?.gpuInstance === Number(gpuInstance) &&
        mig.computeInstance === Number(computeInstance),
    );
    return found ? { devices: [found], divided: false } : 'there is no such MIG instance';
  }
  const matches = devices.filter(({ uuid }) => uuid.startsWith(entry));
  const divided = new Set(devices.flatMap(({ mig }) => (mig?.parent.startsWith(entry) ? mig.parent : [])));
  const count = matches.length + divided.size;
  if (count === 0) return 'no device has this UUID';
  if (count > 1) return `${count} devices have UUIDs that begin so`;
  if (matches.length === 1) return { devices: matches, divided: false };
  return { devices: inOrder(devices.filter(({ mig }) => mig && divided.has(mig.parent))), divided: true };
}

function byIndex(index: number, devices: readonly MaskDevice[]): Found {
  if (index < 0) return 'it names no device';
  const found = inOrder(devices.filter((device) => device.index === index));
  if (found.length === 0) return `there is no device ${index}`;
  return { devices: found, divided: found[0]?.mig != null };
}

/** The number that a text begins with, as `strtol` to the base of ten reads it (`2ampere` is 2, `0x1` is 0); -1 where there is none. */
function leadingNumber(entry: string): number {
  const digits = /^[+-]?\d+/.exec(entry)?.[0];
  return digits === undefined ? -1 : Number(digits);
}

/** By index, whatever order they came in. */
function inOrder(devices: readonly MaskDevice[]): MaskDevice[] {
  return [...devices].sort((a, b) => a.index - b.index || (a.mig?.index ?? 0) - (b.mig?.index ?? 0));
}

function describe(devices: readonly MaskDevice[]): string {
  if (devices.length === 0) return 'there are no devices';
  const named = inOrder(devices)
    .slice(0, 8)
    .map(
      ({ index, mig, uuid, name }) =>
        `${index}${mig ? `:${mig.index}` : ''} (${name ? `${name}, ` : ''}${uuid.slice(0, 12)}…)`,
    );
  const more = devices.length > named.length ? ` and ${devices.length - named.length} more` : '';
  return `there are ${named.join(', ')}${more}`;
}

function shorten(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
