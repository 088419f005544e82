"""Takes memory on the first device that its mask leaves visible, and holds it for a while: hold_memory.py GIB SECONDS

It asks the CUDA driver itself, so it needs no PyTorch; where Berth simulates devices, it asks the simulated driver.
"""
import ctypes
import os
import sys
import time

gibibytes, seconds = float(sys.argv[1]), float(sys.argv[2])
directory = os.environ.get("BERTH_SIMULATED_LIBRARIES")
cuda = ctypes.CDLL(os.path.join(directory, "libcuda.so.1") if directory else "libcuda.so.1")


def check(result, what):
    if result == 0:
        return
    words = ctypes.c_char_p()
    cuda.cuGetErrorString(result, ctypes.byref(words))
    sys.exit(f"{what}: {(words.value or b'unknown error').decode()} (CUDA error {result})")


check(cuda.cuInit(0), "CUDA does not start")
count, device, context = ctypes.c_int(), ctypes.c_int(), ctypes.c_void_p()
check(cuda.cuDeviceGetCount(ctypes.byref(count)), "the devices can't be counted")
check(cuda.cuDeviceGet(ctypes.byref(device), 0), "there is no first device")
name = ctypes.create_string_buffer(100)
check(cuda.cuDeviceGetName(name, 100, device), "the device has no name")
check(cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device), "no context")
pointer = ctypes.c_uint64()
check(cuda.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(int(gibibytes * 2**30))), "CUDA out of memory")
print(f"{os.getpid()} holds {gibibytes:g} GiB on {name.value.decode()}, one of {count.value} visible", flush=True)
time.sleep(seconds)
