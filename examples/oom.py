"""Asks for more memory than its device has, and fails as PyTorch does: oom.py [--gibibytes 1000]"""

import argparse

import torch

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--gibibytes", type=float, default=1000)
args = parser.parse_args()

device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
print(f"Asking {device} for {args.gibibytes:g} GiB", flush=True)
# On a GPU piece by piece, as training does: 'CUDA out of memory. Tried to allocate …'. A CPU's memory isn't touched for it: the
# one request for all of it is refused.
piece = 2**30 if device.type == "cuda" else int(args.gibibytes * 2**30)
held = []
while len(held) * piece < args.gibibytes * 2**30:
    held.append(torch.empty(piece, dtype=torch.uint8, device=device))
