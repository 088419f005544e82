import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { afterAll } from 'vitest';
import { SIMULATED_LIBRARIES } from '../native.js';

/** Answers expressions of Python about the drivers that it has loaded by their names, as any program does. */
const PROGRAM = `
import ctypes, json, sys, threading, time
from ctypes import byref, c_int, c_uint, c_size_t, c_uint64, c_void_p

cuda, nvml = ctypes.CDLL("libcuda.so.1"), ctypes.CDLL("libnvidia-ml.so.1")
nvml.nvmlInit_v2()

class Event(ctypes.Structure):
    _fields_ = [("device", c_void_p), ("type", c_uint64), ("data", c_uint64), ("gi", c_uint), ("ci", c_uint)]
class Process(ctypes.Structure):
    _fields_ = [("pid", c_uint), ("bytes", c_uint64), ("gi", c_uint), ("ci", c_uint)]
class Field(ctypes.Structure):
    _fields_ = [("id", c_uint), ("scope", c_uint), ("times", c_uint64 * 2), ("type", c_uint), ("result", c_int),
                ("value", c_uint64)]
class Pci(ctypes.Structure):
    _fields_ = [("legacy", ctypes.c_char * 16), ("domain", c_uint), ("bus", c_uint), ("device", c_uint),
                ("ids", c_uint * 2), ("text", ctypes.c_char * 32)]

def ask(library, name, *arguments, results=1, type=c_uint):
    """The result, then what was filled in behind the arguments."""
    values = [type() for _ in range(results)]
    result = getattr(library, name)(*arguments, *map(byref, values))
    return [result] + ([value.value for value in values] if result == 0 else [])

def gpu(index):
    return c_void_p(ask(nvml, "nvmlDeviceGetHandleByIndex_v2", index, type=c_void_p)[1])
def by_uuid(uuid):
    return c_void_p(ask(nvml, "nvmlDeviceGetHandleByUUID", uuid.encode(), type=c_void_p)[1])
def instance(index, number):
    return c_void_p(ask(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", gpu(index), number, type=c_void_p)[1])
def of(name, *arguments, **more):
    return ask(nvml, "nvmlDeviceGet" + name, *arguments, **more)
def text(name, *arguments):
    buffer = ctypes.create_string_buffer(96)
    result = getattr(nvml, "nvmlDeviceGet" + name)(*arguments, buffer, 96)
    return buffer.value.decode() if result == 0 else result
def memory(handle):
    values = (c_uint64 * 3)()
    result = nvml.nvmlDeviceGetMemoryInfo(handle, values)
    return dict(zip(("total", "free", "used"), values)) if result == 0 else result
def processes(handle, room=80):
    count, infos = c_uint(room), (Process * room)()
    result = nvml.nvmlDeviceGetComputeRunningProcesses_v3(handle, byref(count), infos)
    return [[each.pid, each.bytes, each.gi] for each in infos[:count.value]] if result == 0 else [result, count.value]
def fields(handle, *wanted):
    """Of each field and its scope: the result, then the value."""
    values = (Field * len(wanted))(*(Field(field, scope) for field, scope in wanted))
    result = nvml.nvmlDeviceGetFieldValues(handle, len(wanted), values)
    return [[each.result, each.value] if each.result == 0 else [each.result] for each in values] if result == 0 else result
def event_set(*handles):
    made = c_void_p(ask(nvml, "nvmlEventSetCreate", type=c_void_p)[1])
    for handle in handles:
        nvml.nvmlDeviceRegisterEvents(handle, c_uint64(0xa), made)
    return made
def event(of, milliseconds):
    data = Event()
    result = nvml.nvmlEventSetWait_v2(of, byref(data), milliseconds)
    return [text("UUID", c_void_p(data.device)), data.type, data.data] if result == 0 else result

kept, running = {}, {}
def keep(name, value):
    kept[name] = value
    return True
def start(name, work):
    def run():
        running[name] = [running[name][0], work()]
    running[name] = [threading.Thread(target=run, daemon=True), None]
    running[name][0].start()
def ended(name, seconds=5):
    """What a thread came back with; None: it hangs still."""
    running[name][0].join(seconds)
    return running[name][1]

def retain(device=0):
    """Works on a device from now on, as torch does."""
    context = c_void_p()
    return cuda.cuDevicePrimaryCtxRetain(byref(context), device) or cuda.cuCtxSetCurrent(context)
def allocate(size):
    address = c_uint64()
    result = cuda.cuMemAlloc_v2(byref(address), c_size_t(size))
    return [result] + ([address.value] if result == 0 else [])
def room():
    return ask(cuda, "cuMemGetInfo_v2", results=2, type=c_size_t)
`;

/** A program of somebody's, which uses the simulated drivers until the tests of a file are over. */
export class DriverProgram {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;

  constructor(stateFile: string, environment: NodeJS.ProcessEnv = {}, libraries = SIMULATED_LIBRARIES) {
    const loop = 'for line in sys.stdin:\n    print(json.dumps(eval(json.loads(line))), flush=True)\n';
    this.#child = spawn('/usr/bin/python3', ['-c', `${PROGRAM}\n${loop}`], {
      env: {
        ...process.env,
        LD_LIBRARY_PATH: libraries,
        BERTH_SIMULATED_STATE: stateFile,
        ...environment,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    this.#answers = this.#lines[Symbol.asyncIterator]();
    afterAll(() => this.kill());
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** What an expression comes to. @throws Error where the program has ended */
  async ask(expression: string): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(expression)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the program ended at: ${expression}`);
    return JSON.parse(value) as unknown;
  }

  /** By SIGKILL. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
