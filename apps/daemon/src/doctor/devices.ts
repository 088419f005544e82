import { type Device, type Driver, type Finding, formatBytes } from '@berth/contract';
import { findingsOf } from './finding.js';

const { ok, note, warning, problem } = findingsOf('devices');

const placeOf = ({ index, mig }: Device): string => `${index}${mig ? `:${mig.index}` : ''}`;

/** The devices that this daemon manages, and what is the matter with each. */
export function judgeDevices(devices: readonly Device[], { problem: driverProblem }: Driver): Finding[] {
  if (devices.length === 0) {
    const advice = driverProblem
      ? null
      : 'See whether nvidia-smi lists GPUs, and whether CUDA_VISIBLE_DEVICES hides them from the daemon';
    return [problem('devices', 'there is no device that jobs could run on', advice)];
  }
  const named = devices.map((device) => `${placeOf(device)} ${device.name}`);
  const shown =
    named.length > 8 ? `${named.slice(0, 8).join(', ')} and ${named.length - 8} more` : named.join(', ');
  return [ok('devices', `${devices.length} to run jobs on: ${shown}`), ...devices.flatMap(judgeDevice)];
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
