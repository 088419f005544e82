import { type Device, type Driver, type Finding, formatBytes } from '@berth/contract';
import { findingsOf } from './finding.js';
import { restartWords } from './restarts.js';

const { ok, note, warning, problem } = findingsOf('devices');

const placeOf = ({ index, mig }: Device): string => `${index}${mig ? `:${mig.index}` : ''}`;

/** The devices that this daemon manages, and what is the matter with each. */
export function judgeDevices(
  devices: readonly Device[],
  { problem: driverProblem, remarks }: Driver,
): Finding[] {
  // What a mask hides, for one.
  const notes = remarks.map((remark) => note('devices-remark', remark));
  if (devices.length === 0) {
    const advice = driverProblem
      ? null
      : 'See whether nvidia-smi lists GPUs, and whether CUDA_VISIBLE_DEVICES hides them from the daemon';
    return [problem('devices', 'there is no device that jobs could run on', advice), ...notes];
  }
  const named = devices.map((device) => `${placeOf(device)} ${device.name}`);
  const shown =
    named.length > 8 ? `${named.slice(0, 8).join(', ')} and ${named.length - 8} more` : named.join(', ');
  const open = devices.filter(({ obstacles }) => obstacles.length === 0).length;
  const count = open === devices.length ? `${open}` : `${open} of ${devices.length}`;
  return [ok('devices', `${count} to run jobs on: ${shown}`), ...notes, ...devices.flatMap(judgeDevice)];
}

function judgeDevice(device: Device): Finding[] {
  const { health, obstacles, sample, slowdownCelsius, persistenceMode, computeMode, simulated } = device;
  const place = placeOf(device);
  const id = (what: string): string => `device-${place}-${what}`;
  const findings = obstacles.map(({ code, sentence, endsBy }) =>
    warning(
      id(code),
      `device ${place} gets no jobs: ${sentence}`,
      endsBy === 'resume' ? `When it is well again: berth resume ${place}` : null,
    ),
  );
  // Without a daemon nobody makes obstacles of these.
  if (obstacles.length === 0) findings.push(...judgeReach(device));
  const restarted = restartWords(device.workerRestarts);
  if (restarted !== null) findings.push(warning(id('worker'), `device ${place}: ${restarted}`));
  if (health.state === 'unknown')
    findings.push(
      warning(id('sample'), `device ${place} has given no sample`, 'See what nvidia-smi says of it'),
    );
  if (sample?.throttled?.some((reason) => reason.startsWith('too hot')))
    findings.push(
      warning(
        id('heat'),
        `device ${place} slows down, as it is too hot (${sample.temperatureCelsius ?? '?'} °C)`,
        'See to its fans and the air in the rack',
      ),
    );
  else if (
    sample?.temperatureCelsius != null &&
    slowdownCelsius !== null &&
    sample.temperatureCelsius >= slowdownCelsius - 3
  )
    findings.push(
      note(
        id('heat'),
        `device ${place} is at ${sample.temperatureCelsius} °C; it slows down at ${slowdownCelsius} °C`,
      ),
    );
  if (sample?.ecc.uncorrected)
    findings.push(
      warning(
        id('ecc'),
        `device ${place} has had ${sample.ecc.uncorrected} memory errors that ECC could not correct`,
        'Reset it when it is free; where they come back, have it replaced',
      ),
    );
  if (sample?.remappedRows?.pending)
    findings.push(
      note(
        id('rows'),
        `device ${place} has memory rows to be remapped at its next reset`,
        `Reset it when it is free: nvidia-smi -i ${device.index} --gpu-reset`,
      ),
    );
  if (sample?.foreignBytes && obstacles.length === 0)
    findings.push(
      note(id('foreign'), `${formatBytes(sample.foreignBytes)} on device ${place} belong to no job of Berth`),
    );
  if (persistenceMode === false && !simulated && !device.mig)
    findings.push(
      note(
        id('persistence'),
        `device ${place} has persistence mode off, so each job waits for it to wake`,
        `nvidia-smi -i ${device.index} -pm 1`,
      ),
    );
  if (computeMode === 'exclusiveProcess' || computeMode === 'exclusiveThread')
    findings.push(
      note(
        id('mode'),
        `device ${place} lets one process at a time in (compute mode ${computeMode}): a second process of a job fails there`,
        `nvidia-smi -i ${device.index} -c DEFAULT`,
      ),
    );
  return findings;
}

/** What keeps jobs from a device, where it isn't said yet. */
function judgeReach({ health, computeMode, sample, ...device }: Device): Finding[] {
  const place = placeOf(device as Device);
  const id = (what: string): string => `device-${place}-${what}`;
  if (health.state === 'lost')
    return [
      warning(
        id('lost'),
        `device ${place} is lost: the driver does not find it any more`,
        'See the kernel log (dmesg | grep -i xid); most often a reboot, or power off and on, brings it back',
      ),
    ];
  if (health.state === 'unresponsive')
    return [
      warning(
        id('unresponsive'),
        `the driver does not answer for device ${place}`,
        `nvidia-smi -i ${device.index} --gpu-reset, or a reboot, most often frees it`,
      ),
    ];
  if (computeMode === 'prohibited')
    return [
      warning(
        id('prohibited'),
        `device ${place} allows no jobs (compute mode prohibited)`,
        `nvidia-smi -i ${device.index} -c DEFAULT`,
      ),
    ];
  if (sample?.remappedRows?.failed)
    return [
      warning(
        id('rows-failed'),
        `device ${place} has failing memory: a row could not be remapped`,
        'Have it replaced',
      ),
    ];
  return [];
}
