"""DistributedDataParallel, one process per device: gloo on CPUs, nccl on GPUs. ddp.py [--steps 20] [--fail-rank N]

Berth's `launch: perDevice` starts one process for each device, with RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT
set, as torchrun does. At the end the ranks compare their parameters: they are equal, as the gradients were averaged.
"""

import argparse
import os
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--fail-rank", type=int, help="this rank fails after its first step")
args = parser.parse_args()

rank, local_rank = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
has_cuda = torch.cuda.is_available()
# Where each rank sees its own device alone, that is cuda:0.
device = torch.device("cuda", local_rank % torch.cuda.device_count()) if has_cuda else torch.device("cpu")
torch.set_num_threads(1)
dist.init_process_group("nccl" if has_cuda else "gloo")
print(f"Rank {rank} of {dist.get_world_size()} on {device}", flush=True)

torch.manual_seed(rank)  # Other data and other first parameters on each rank: DDP makes the parameters equal.
model = DistributedDataParallel(nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Linear(64, 1)).to(device))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(1, args.steps + 1):
    points = torch.randn(64, 32, device=device)
    loss = nn.functional.mse_loss(model(points), points.sum(dim=1, keepdim=True).sin())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if rank == 0:
        print(f"Step {step}/{args.steps}, Loss: {loss.item():.4f}", flush=True)
    if rank == args.fail_rank:
        print(f"rank {rank} fails, as it was asked to", flush=True)
        os._exit(1)  # At once, as a process that crashes.

own = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
gathered = [torch.empty_like(own) for _ in range(dist.get_world_size())]
dist.all_gather(gathered, own)
equal = all(torch.equal(own, other) for other in gathered)
print(f"Rank {rank}: parameters {'equal' if equal else 'DIFFER'}, checksum {own.double().sum().item():.12f}", flush=True)
dist.destroy_process_group()
sys.exit(0 if equal else 1)
