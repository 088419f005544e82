"""What berth.report costs a training: the epochs of examples/mlp.py (same data, model and optimizer) as they are, with a report
of each epoch's loss, and with the usual print(loss.item()) into a file.

    python3 bench/report.py [--epochs 20000]

The three take turns of 100 epochs of one training, and the middle turn of each counts, so that a busy machine disturbs all alike.
CPU time.
"""

import argparse
import csv
import os
import pathlib
import statistics
import sys
import tempfile
import time

import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent
TURN = 100


def training(device):
    """A function that does one epoch and gives its loss."""
    with (ROOT / "examples" / "data" / "spirals.csv").open() as file:
        rows = list(csv.DictReader(file))
    points = torch.tensor([[float(row["x"]), float(row["y"])] for row in rows], device=device)
    classes = torch.tensor([int(row["spiral"]) for row in rows], device=device)
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    loss_of = nn.CrossEntropyLoss()

    def epoch():
        optimizer.zero_grad()
        loss = loss_of(model(points), classes)
        loss.backward()
        optimizer.step()
        return loss

    return epoch


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20000)
    epochs = parser.parse_args().epochs
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tempfile.TemporaryDirectory()
    os.environ["BERTH_METRICS_FILE"] = os.path.join(folder.name, "metrics.jsonl")
    sys.path.insert(0, str(ROOT / "python"))
    import berth

    log = open(os.path.join(folder.name, "log"), "w")
    ways = {
        "as it is": lambda epoch, loss: None,
        "berth.report": lambda epoch, loss: berth.report(epoch=epoch, epochs=epochs, loss=loss),
        "print(loss.item())": lambda epoch, loss: print(f"Epoch [{epoch}/{epochs}], Loss: {loss.item():.4f}", file=log, flush=True),
    }
    run = training(device)
    turns = {way: [] for way in ways}
    for first in range(1, epochs + 1, TURN):
        for way, tell in ways.items():
            began = time.process_time()
            for epoch in range(first, first + TURN):
                tell(epoch, run())
            if device.type == "cuda":
                torch.cuda.synchronize()
            turns[way].append((time.process_time() - began) / TURN)
    plain = statistics.median(turns["as it is"])
    print(f"{epochs} epochs on {device}, {torch.__version__}")
    for way, seconds in turns.items():
        median = statistics.median(seconds)
        print(f"  {way:<20} {median * 1e6:8.1f} us an epoch  {100 * (median / plain - 1):+6.2f} %")
    log.close()
    folder.cleanup()


main()
