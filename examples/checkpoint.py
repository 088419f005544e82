"""Trains a small network, saves its work when it is told to, and goes on from there the next time.

    python checkpoint.py [--steps 20000] [--checkpoint FILE] [--every 1000]

SIGUSR1 (Berth's checkpoint signal) and SIGTERM are heard between two steps: it saves and exits. Under Berth the file is
BERTH_CHECKPOINT_FILE, which every attempt of a job finds again.
"""

import argparse
import os
import pathlib
import signal
import sys


class Told:
    """Remembers a signal. All else is done between two steps, where the model and the optimizer fit together."""

    signal = None

    def __init__(self, *signals):
        for number in signals:
            signal.signal(number, self.hear)

    def hear(self, number, _frame):
        self.signal = signal.Signals(number)


told = Told(signal.SIGUSR1, signal.SIGTERM)  # Before torch, whose import takes seconds: without a handler the signal ends us.

import torch
from torch import nn


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--every", type=int, default=1000, help="steps between two checkpoints that nobody asked for")
    default = os.environ.get("BERTH_CHECKPOINT_FILE", "checkpoint.pt")
    parser.add_argument("--checkpoint", type=pathlib.Path, default=default)
    return parser.parse_args()


def save(path, step, model, optimizer):
    side = path.with_name(path.name + ".new")
    state = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()}
    with open(side, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(side, path)  # Whoever is killed before this has the old checkpoint still.


def main():
    args = arguments()
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(1)  # The tensors are too small for more to help.

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 1)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    first = 1
    if args.checkpoint.exists():
        state = torch.load(args.checkpoint, map_location="cpu")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        first = state["step"] + 1
        why = os.environ.get("BERTH_RESTART_REASON", "nobody said")
        print(f"Resuming at step {first} on {device} (why again: {why})", flush=True)
    else:
        print(f"Starting at step 1 on {device}", flush=True)

    for step in range(first, args.steps + 1):
        points = torch.rand(256, 2).mul(6).sub(3).to(device)
        target = torch.sin(points[:, :1]) * torch.cos(points[:, 1:])
        loss = nn.functional.mse_loss(model(points), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 0 or step == args.steps:
            print(f"Step [{step}/{args.steps}], Loss: {loss.item():.4f}", flush=True)
        if told.signal or step % args.every == 0 or step == args.steps:
            save(args.checkpoint, step, model, optimizer)
        if told.signal and step < args.steps:
            print(f"Saved step {step} after {told.signal.name}", flush=True)
            sys.exit(128 + told.signal)  # Not 0: the training isn't done.


main()
