"""ResNet-18 on pictures shaped like CIFAR-10 that it makes itself, by nn.DataParallel where it sees several devices.

    python data_parallel.py [--steps 20] [--batch 32] [--width 64]

One process sees all devices of the job: Berth's `launch: single`, which is the default.
"""

import argparse

import torch
from torch import nn

from resnet import resnet18

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--width", type=int, default=64)
args = parser.parse_args()

devices = torch.cuda.device_count()
device = torch.device("cuda:0" if devices > 0 else "cpu")
print(f"{devices} CUDA devices are visible", flush=True)

torch.manual_seed(0)
model = resnet18(width=args.width).to(device)
if devices > 1:
    model = nn.DataParallel(model)  # The first device gathers what the others compute.
    print(f"DataParallel over {devices} devices: {args.batch} pictures, {args.batch // devices} for each", flush=True)

# Each class is a pattern under noise: so there is something to learn.
patterns = torch.randn(10, 3, 32, 32)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for step in range(1, args.steps + 1):
    labels = torch.randint(0, 10, (args.batch,))
    pictures = patterns[labels] + 0.5 * torch.randn(args.batch, 3, 32, 32)
    loss = nn.functional.cross_entropy(model(pictures.to(device)), labels.to(device))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"Step {step}/{args.steps}, Loss: {loss.item():.4f}", flush=True)

for index in range(devices):
    used, kept = torch.cuda.memory_allocated(index), torch.cuda.memory_reserved(index)
    print(f"cuda:{index}: {used / 2**20:.0f} MiB allocated, {kept / 2**20:.0f} MiB reserved")
