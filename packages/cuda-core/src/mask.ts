/**
 * CUDA_VISIBLE_DEVICES-style masks, in two readings that differ on purpose: as CUDA reads them, which drops in silence what
 * it doesn't understand, and as a request, which never does.
 *
 * Sources: CUDA C++ Programming Guide, "CUDA Environment Variables" (order kept; devices behind the first invalid index
 * are invisible; UUIDs by unambiguous prefix); PyTorch, `torch.cuda._parse_visible_devices`, which follows the driver
 * (an index ends at its first character that is no digit; a repeated entry leaves nothing; one list has one kind of entry).
 */

/** As much of a device as a mask can name. */
export interface MaskDevice {
  uuid: string;
  /** In PCI order. */
  index: number;
  name?: string;
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
 */
export function readMask(mask: string | undefined, devices: readonly MaskDevice[]): VisibleDevices {
  if (mask === undefined) return { uuids: devices.map(({ uuid }) => uuid), ignored: null };
  const uuids: string[] = [];
  if (mask === '') return { uuids, ignored: null };
  const entries = mask.split(',');
  const byUuid = isUuidEntry((entries[0] as string).trim());
  for (const [i, raw] of entries.entries()) {
    const entry = raw.trim();
    const stop = (reason: string, left = uuids): VisibleDevices => ({
      uuids: left,
      ignored: { entry: shorten(entry), position: i + 1, reason },
    });
    if (isUuidEntry(entry) !== byUuid) {
      return stop(
        byUuid ? 'an index in a list of UUIDs ends it' : 'only digits name an index: the list ends here',
      );
    }
    const found = byUuid ? byPrefix(entry, devices) : byIndex(leadingNumber(entry), devices);
    if (typeof found === 'string') return stop(found);
    if (uuids.includes(found.uuid)) return stop('a device that is named twice leaves none visible', []);
    uuids.push(found.uuid);
  }
  return { uuids, ignored: null };
}

/**
 * Reads a mask as a user's request: indexes, `cuda:N` and UUIDs (or unambiguous beginnings of them), separated by commas,
 * with spaces around them or not. What CUDA would drop in silence is a problem that says so.
 * @returns the devices in the order of the mask, or every problem (a handful at most)
 */
export function parseRequest(mask: string, devices: readonly MaskDevice[]): MaskRequest {
  const problems: MaskProblem[] = [];
  const uuids: string[] = [];
  const seen = new Map<string, number>();
  const exists = describe(devices);
  let position = 0;
  for (const raw of entriesOf(mask)) {
    position += 1;
    const entry = raw.trim();
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
    if (comma < 0) {
      yield mask.slice(begin);
      return;
    }
    yield mask.slice(begin, comma);
    begin = comma + 1;
  }
}

function requested(entry: string, devices: readonly MaskDevice[]): MaskDevice | string {
  if (entry === '')
    return 'is empty; CUDA would show the job nothing from here on (leave devices out for any device)';
  if (isUuidEntry(entry)) {
    const found = byPrefix(entry, devices);
    return typeof found === 'string' ? `${found}; CUDA would show the job nothing from here on` : found;
  }
  const index = /^(?:cuda:)?(\d{1,9})$/.exec(entry)?.[1];
  if (index !== undefined) {
    const found = byIndex(Number(index), devices);
    return typeof found === 'string' ? `${found}; CUDA would show the job nothing from here on` : found;
  }
  const number = leadingNumber(entry);
  const cuda = number < 0 ? 'show the job nothing from here on' : `read it as ${number}`;
  return `is neither an index, nor cuda:N, nor a UUID; CUDA would ${cuda}`;
}

/** `GPU-…`, and `MIG-…` in both of its spellings (`MIG-<uuid>` and `MIG-GPU-<uuid>/<gi>/<ci>`). The case matters. */
function isUuidEntry(entry: string): boolean {
  return entry.startsWith('GPU-') || entry.startsWith('MIG-');
}

function byPrefix(entry: string, devices: readonly MaskDevice[]): MaskDevice | string {
  const matches = devices.filter(({ uuid }) => uuid.startsWith(entry));
  if (matches.length === 1) return matches[0] as MaskDevice;
  return matches.length === 0
    ? 'no device has this UUID'
    : `${matches.length} devices have UUIDs that begin so`;
}

function byIndex(index: number, devices: readonly MaskDevice[]): MaskDevice | string {
  if (index < 0) return 'no index begins so';
  return devices.find((device) => device.index === index) ?? `there is no device ${index}`;
}

/** The number that a text begins with, as `strtol` to the base of ten reads it (`2ampere` is 2, `0x1` is 0); -1 where there is none. */
function leadingNumber(entry: string): number {
  const digits = /^\+?(\d+)/.exec(entry)?.[1];
  return digits === undefined ? -1 : Number(digits);
}

function describe(devices: readonly MaskDevice[]): string {
  if (devices.length === 0) return 'there are no devices';
  const named = devices
    .slice(0, 8)
    .map(({ index, uuid, name }) => `${index} (${name ? `${name}, ` : ''}${uuid.slice(0, 12)}…)`);
  const more = devices.length > named.length ? ` and ${devices.length - named.length} more` : '';
  return `there are ${named.join(', ')}${more}`;
}

function shorten(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
