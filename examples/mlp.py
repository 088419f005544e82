"""Trains a small classifier on three spirals that wind into each other: cheap epochs, and a loss that visibly falls.

    python mlp.py [--epochs 20000] [--checkpoint FILE]

Stopped by SIGTERM it finishes its epoch and saves a checkpoint, if it was given a file; from that it goes on next time.
"""

import argparse
import csv
import os
import pathlib
import signal
import sys

import torch
from torch import nn

DATA = pathlib.Path(__file__).parent / "data" / "spirals.csv"
EXIT_AFTER_SIGTERM = 128 + signal.SIGTERM


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20000)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.005)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=pathlib.Path)
    return parser.parse_args()


def load(device):
    """Points and classes, for training and held out (every fifth point)."""
    with DATA.open() as file:
        rows = list(csv.DictReader(file))
    points = torch.tensor([[float(row["x"]), float(row["y"])] for row in rows], device=device)
    classes = torch.tensor([int(row["spiral"]) for row in rows], device=device)
    held_out = torch.arange(len(rows), device=device) % 5 == 0
    return points[~held_out], classes[~held_out], points[held_out], classes[held_out]


def save(path, epoch, model, optimizer):
    # Renamed into place: who is killed while it writes has the old checkpoint still.
    side = path.with_suffix(".new")
    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, side)
    os.replace(side, path)
    print(f"Saved a checkpoint after epoch {epoch}", flush=True)


def accuracy(model, points, classes):
    with torch.no_grad():
        return (model(points).argmax(dim=1) == classes).float().mean().item()


def main():
    args = arguments()
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "no CUDA device is visible here"
    print(f"Using device: {device} ({name})", flush=True)
    if device.type == "cpu":
        torch.set_num_threads(1)  # The tensors are too small for more to help.

    torch.manual_seed(args.seed)
    points, classes, held_out_points, held_out_classes = load(device)
    model = nn.Sequential(
        nn.Linear(2, args.hidden), nn.Tanh(), nn.Linear(args.hidden, args.hidden), nn.Tanh(), nn.Linear(args.hidden, 3)
    ).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    loss_of = nn.CrossEntropyLoss()

    first = 1
    if args.checkpoint and args.checkpoint.exists():
        state = torch.load(args.checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"] + 1
        print(f"Resuming after epoch {state['epoch']}", flush=True)

    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))

    for epoch in range(first, args.epochs + 1):
        optimizer.zero_grad()
        loss = loss_of(model(points), classes)
        loss.backward()
        optimizer.step()
        if epoch % 100 == 0 or epoch == args.epochs:
            right = accuracy(model, points, classes)
            print(f"Epoch [{epoch}/{args.epochs}], Loss: {loss.item():.4f}, Accuracy: {right:.3f}", flush=True)
        if stopping:
            if args.checkpoint:
                save(args.checkpoint, epoch, model, optimizer)
            sys.exit(EXIT_AFTER_SIGTERM)

    print(f"Accuracy on held-out points: {accuracy(model, held_out_points, held_out_classes):.3f}", flush=True)
    if args.checkpoint:
        save(args.checkpoint, args.epochs, model, optimizer)


main()
