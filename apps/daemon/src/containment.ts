import {
  baseOfGroups,
  type ControlGroups,
  groupFacts,
  NoControlGroups,
  openControlGroups,
} from '@berth/task-shim';
import type { Config } from './config.js';

/**
 * Where tasks get control groups, or why nowhere.
 * @param setting `auto`, `off`, or a group's path
 * @param open makes the group there, or only looks
 */
export function openContainment(
  setting: Config['controlGroups'],
  open: (base: string) => ControlGroups = openControlGroups,
): ControlGroups | { problem: string } {
  if (setting === 'off') return { problem: 'the setting controlGroups is off' };
  try {
    return open(baseOfGroups(groupFacts(), setting === 'auto' ? null : setting));
  } catch (error) {
    if (error instanceof NoControlGroups) return { problem: error.message };
    throw error;
  }
}
