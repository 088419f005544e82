/*
 * What an XID says about a device. NVIDIA's sources:
 * - catalog: "Xid Errors", Analyzing Xid Errors with the Xid Catalog (the column of the immediate action);
 * - retirement: "Dynamic Page Retirement", Visibility; row remapping: "GPU Memory Error Management", Row Remapping;
 * - plugin: the device plugin for Kubernetes, which leaves a GPU healthy after these, as the application erred.
 */

/**
 * - `application`: the program on the device erred or was ended; the device is as good as before.
 * - `reset`: the device needs a reset (or a reboot) before it can be trusted with the next job.
 * - `gone`: the device can't be reached any more.
 * - `note`: worth knowing, no reason to stop using it.
 */
export type XidVerdict = 'application' | 'reset' | 'gone' | 'note';

export interface XidMeaning {
  xid: number;
  /** What happened, in few words. */
  meaning: string;
  verdict: XidVerdict;
  source: 'catalog' | 'retirement' | 'row remapping' | 'plugin' | null;
}

const TABLE: readonly [xid: number, meaning: string, XidVerdict, Exclude<XidMeaning['source'], null>][] = [
  [8, 'a channel was idle for too long', 'application', 'catalog'],
  [11, 'an invalid or corrupted stream of commands', 'application', 'catalog'],
  [
    13,
    'a graphics or compute engine exception: mostly an index out of range in a kernel',
    'application',
    'plugin',
  ],
  [31, 'a memory page fault: an illegal address in a kernel', 'application', 'plugin'],
  [32, 'an invalid or corrupted stream of commands', 'application', 'catalog'],
  [43, 'a channel was reset after an error of the program', 'application', 'plugin'],
  [45, 'channels were cleaned up, as the program was ended or had failed before', 'application', 'plugin'],
  [46, 'the GPU stopped processing', 'reset', 'catalog'],
  [48, 'a double-bit ECC error: memory that could not be corrected', 'reset', 'retirement'],
  [61, 'the internal micro-controller reported a breakpoint or a warning', 'note', 'catalog'],
  [62, 'the internal micro-controller halted', 'reset', 'catalog'],
  [63, 'a bad memory row was remapped, or a page retired', 'note', 'retirement'],
  [64, 'a bad memory row could not be remapped, or a page not retired', 'reset', 'retirement'],
  [68, 'a video processor exception', 'application', 'plugin'],
  [69, 'a graphics engine class error', 'application', 'catalog'],
  [74, 'an NVLink error', 'reset', 'catalog'],
  [79, 'the GPU has fallen off the bus', 'gone', 'catalog'],
  [92, 'a high rate of corrected memory errors', 'note', 'catalog'],
  [
    94,
    'a memory error that was contained: only the program that met it is affected',
    'application',
    'row remapping',
  ],
  [95, 'a memory error that was not contained', 'reset', 'row remapping'],
  [109, 'a context switch took too long', 'application', 'plugin'],
  [110, 'a security fault', 'reset', 'catalog'],
  [119, 'the GPU system processor (GSP) did not answer', 'reset', 'catalog'],
  [120, 'the GPU system processor (GSP) failed', 'reset', 'catalog'],
  [121, 'corrected errors on the link to the CPU', 'note', 'catalog'],
  [140, 'an ECC error that was not recovered from', 'reset', 'catalog'],
  [143, 'the GPU could not be initialised', 'reset', 'catalog'],
];

const MEANINGS = new Map(
  TABLE.map(([xid, meaning, verdict, source]) => [xid, { xid, meaning, verdict, source }]),
);

/** All XIDs that Berth knows. */
export const KNOWN_XIDS: readonly XidMeaning[] = [...MEANINGS.values()];

/** What an XID says. One that isn't in the table is noted: most of those tell of a program's or the driver's errors. */
export function meaningOfXid(xid: number): XidMeaning {
  return MEANINGS.get(xid) ?? { xid, meaning: "not in Berth's table", verdict: 'note', source: null };
}
