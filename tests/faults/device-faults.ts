import { setTimeout as sleep } from 'node:timers/promises';
import { changeSimulation, type SimulationChange } from '@berth/cuda-core';
import { type Fault, REACHED } from './fault.js';

const DEVICES = 4;

const ill = (name: string, begin: SimulationChange, end: SimulationChange, isFatal: boolean): Fault => ({
  name,
  inject: async (scene) => {
    const { host, random } = scene;
    const device = random.whole(0, DEVICES - 1);
    if (isFatal) scene.devicesFailed = true;
    changeSimulation(host.stateFile, { device, ...begin });
    await sleep(random.between(500, 1500));
    return { ...REACHED, takeBack: async () => changeSimulation(host.stateFile, { device, ...end }) };
  },
});

export const DEVICE_FAULTS: readonly Fault[] = [
  ill('a device is lost', { handleResult: 15 }, { handleResult: 0 }, true),
  ill('a device hangs', { hangMilliseconds: 60_000 }, { hangMilliseconds: 0 }, true),
  ill('a device has an XID', { xid: 79 }, {}, true),
];
