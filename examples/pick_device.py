"""Trains on a device that it names itself, as many scripts do: pick_device.py [--device cuda:1] [--steps 200]

Inside a job the devices count from 0 in the order of its mask: a job of one device has cuda:0 alone, whichever GPU that is.
"""

import argparse
import sys

import torch
from torch import nn

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--device", default="cuda:1")
parser.add_argument("--steps", type=int, default=200)
args = parser.parse_args()

wanted = torch.device(args.device)
visible = torch.cuda.device_count()
print(f"Asked for {wanted}; {visible} CUDA devices are visible", flush=True)
if wanted.type == "cuda" and visible == 0:
    print("No CUDA device is visible to this PyTorch, so the CPU stands in for it", flush=True)
    wanted = torch.device("cpu")
elif wanted.type == "cuda" and (wanted.index or 0) >= visible:
    # What PyTorch would say of it: 'CUDA error: invalid device ordinal'.
    sys.exit(f"invalid device ordinal: {wanted} of {visible} visible devices; a job that names cuda:1 needs two of them")

torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Linear(16, 1).to(wanted)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
truth = torch.randn(16, 1, device=wanted)
for step in range(1, args.steps + 1):
    points = torch.randn(64, 16, device=wanted)
    loss = nn.functional.mse_loss(model(points), points @ truth)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"Step {step}/{args.steps}, Loss: {loss.item():.4f}", flush=True)
print(f"Trained on {next(model.parameters()).device}")
