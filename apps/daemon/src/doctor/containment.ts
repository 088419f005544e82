import type { Finding } from '@berth/contract';
import { CONTROLLERS, type ControlGroups } from '@berth/task-shim';
import { findingsOf } from './finding.js';

const { ok, note } = findingsOf('host');

/** How jobs are held together and kept apart here. @param groups or why there are none */
export function judgeContainment(groups: ControlGroups | { problem: string }): Finding {
  if ('problem' in groups)
    return note(
      'containment',
      `jobs are held together by their shims (subreaper) alone, without limits of memory, CPU or processes: ${groups.problem}`,
    );
  const missing = CONTROLLERS.filter((each) => !groups.controllers.includes(each));
  if (missing.length === 0)
    return ok(
      'containment',
      `jobs are held together by control groups in ${groups.directory}, with limits of memory, CPU and processes`,
    );
  return note(
    'containment',
    `jobs are held together by control groups in ${groups.directory}; they can't be limited there by ${missing.join(', ')}: the kernel has no such controller for ` +
      'cgroup v2 there (cgroup v1 may have it), or it was not delegated',
  );
}
