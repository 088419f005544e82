"""Fails in many ways, each in a process of its own, and writes what that printed: JSON lines of name, signal and output."""
import ctypes
import datetime
import faulthandler
import io
import json
import mmap
import os
import signal
import socket
import sys
import tempfile
import traceback

import numpy
import torch
import torch.distributed as distributed
from torch.utils.data import DataLoader, Dataset



def at_a_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


class Deadly(Dataset):
    def __init__(self, number):
        self.number = number

    def __len__(self):
        return 2

    def __getitem__(self, _):
        os.kill(os.getpid(), self.number)


def load_from_another_device():
    torch.serialization.location_tag = lambda _: "cuda:3"
    file = io.BytesIO()
    torch.save(torch.zeros(1), file)
    file.seek(0)
    torch.load(file)


def touch_lost_memory():
    faulthandler.enable()
    with open(f"/dev/shm/berth-test-{os.getpid()}", "wb+") as file:
        os.unlink(file.name)
        file.truncate(4096)
        memory = mmap.mmap(file.fileno(), 4096)
        file.truncate(0)
        memory[0]


def join(rank, address, seconds):
    patience = datetime.timedelta(seconds=seconds)
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2, timeout=patience)


def lose_a_rank(how):
    with tempfile.TemporaryDirectory() as folder:
        rank = 1 if os.fork() == 0 else 0
        join(rank, f"file://{folder}/store", 20)
        group = distributed.new_group(timeout=datetime.timedelta(seconds=1))
        if rank == 1:
            how()
            os._exit(0)
        distributed.all_reduce(torch.zeros(4), group=group)


def hang():
    signal.alarm(5)
    signal.pause()


def segfault():
    faulthandler.enable()
    ctypes.string_at(0)


def unusual():
    class NoData(Exception):
        pass

    raise NoData("the folder is empty")


def handled_before():
    try:
        raise ValueError("this was handled")
    except ValueError:
        traceback.print_exc()
    signal.raise_signal(signal.SIGSEGV)


def survive():
    try:
        torch.empty(1 << 50)
    except RuntimeError as error:
        print("halving:", error, flush=True)
    {}["val"]


CASES = {
    "torch_without_cuda": lambda: torch.zeros(1).cuda(),
    "torch_without_cuda, by number": lambda: torch.cuda.set_device(0),
    "torch_without_cuda, in NCCL": lambda: distributed.init_process_group(
        "nccl", init_method=at_a_free_port(), rank=0, world_size=1
    ),
    "no_cuda_device": load_from_another_device,
    "tensors_on_different_devices": lambda: torch.zeros(3)[torch.zeros(1, dtype=torch.long, device="meta")],
    "disk_full": lambda: torch.save(torch.zeros(100_000), "/dev/full"),
    "host_out_of_memory": lambda: torch.empty(1 << 50),
    "host_out_of_memory, in NumPy": lambda: numpy.zeros(1 << 55),
    "shared_memory": touch_lost_memory,
    "shared_memory, in a data loader": lambda: list(DataLoader(Deadly(signal.SIGBUS), num_workers=1)),
    "data_loader_killed": lambda: list(DataLoader(Deadly(signal.SIGKILL), num_workers=1)),
    "rendezvous_timeout": lambda: join(0, at_a_free_port(), 1),
    "peer_lost": lambda: lose_a_rank(lambda: None),
    "collective_timeout": lambda: lose_a_rank(hang),
    "segmentation_fault": segfault,
    "python_exception": lambda: torch.zeros(2, 3) @ torch.zeros(4, 5),
    "python_exception, of a name of its own": unusual,
    "python_exception, after one that was survived": survive,
    "library_missing": lambda: ctypes.CDLL("libcudart.so.4.0"),
    "nothing": handled_before,
}


def output_of(fail):
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(theirs, 1)
        os.dup2(theirs, 2)
        try:
            fail()
        except Exception:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    os.close(theirs)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, drain(ours)


def drain(pipe):
    # Not until its end: a rank that was left behind has it open too.
    os.set_blocking(pipe, False)
    output = b""
    try:
        while block := os.read(pipe, 65536):
            output += block
    except BlockingIOError:
        pass
    return output


for name, fail in CASES.items():
    status, output = output_of(fail)
    print(json.dumps({"name": name, "bySignal": status < 0, "output": output.decode()}), flush=True)
