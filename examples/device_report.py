"""Says what PyTorch sees here: is CUDA there, how many devices, which, and in which versions."""

import os
import sys

try:
    import torch
except ImportError:
    sys.exit(f"PyTorch is not installed for {sys.executable}; install it, or run this with another python")


def gib(size):
    return f"{size / 2**30:.1f} GiB"


def main():
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "BERTH_JOB_ID"):
        print(f"{name:<22} {os.environ.get(name, '(not set)')}")
    print(f"{'PyTorch':<22} {torch.__version__}")

    if not torch.backends.cuda.is_built():
        print(f"{'CUDA':<22} not in this PyTorch: it is a CPU build, so it uses no GPU whatever the host has")
        return
    print(f"{'built for CUDA':<22} {torch.version.cuda}")
    print(f"{'cuDNN':<22} {torch.backends.cudnn.version() or '(none)'}")
    print(f"{'CUDA is available':<22} {torch.cuda.is_available()}")
    print(f"{'devices':<22} {torch.cuda.device_count()}")
    if not torch.cuda.is_available():
        print("No device can be used: there is no working driver, or CUDA_VISIBLE_DEVICES leaves none.")
        return

    print(f"{'current device':<22} cuda:{torch.cuda.current_device()}")
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        print(
            f"cuda:{index}  {device.name}, {gib(device.total_memory)}, compute capability {device.major}.{device.minor}, "
            f"allocated {gib(torch.cuda.memory_allocated(index))}, reserved {gib(torch.cuda.memory_reserved(index))}"
        )


main()
