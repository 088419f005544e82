"""Reports how a training goes to Berth: berth.report(step=3, total=100, loss=0.5).

One file, the standard library alone, Python 3.8 or later; copy it beside your script, or import it as it is: jobs of Berth
find it on their PYTHONPATH. Outside of Berth it does nothing. It never raises and never waits for anything but the disk.

What is reported goes to the file that BERTH_METRICS_FILE names, as JSON lines; any language may append to it.
"""

import atexit
import json
import os
import sys
import threading
import time

__all__ = ["report"]

# So often is written at the most; what comes between is kept until it is its turn, the newest of each name.
_INTERVAL_SECONDS = 0.1


class _Reporter:
    def __init__(self):
        self._lock = threading.RLock()
        self._forget()
        atexit.register(self._flush)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)

    def _forget(self):
        self._path = os.environ.get("BERTH_METRICS_FILE")
        self._file = None
        self._kept = {}
        self._due = 0.0
        self._has_begun = False

    def _begin_anew(self):
        # What was in hand is our parent's to write; a child that reports nothing itself, such as one that loads data, writes nothing.
        self._lock = threading.RLock()
        self._forget()

    def report(self, figures):
        with self._lock:
            if not self._path:
                return
            if not self._has_begun:
                self._has_begun = True
                _at_end_of_child(self._flush)
            self._kept.update(figures)
            now = time.monotonic()
            if now < self._due:
                return
            self._due = now + _INTERVAL_SECONDS
            self._write()

    def _flush(self):
        try:
            with self._lock:
                self._write()
        except Exception:
            pass

    def _write(self):
        if not self._kept or not self._path or not _speaks():
            return
        kept, self._kept = _figures(self._kept), {}
        kept["at"] = int(time.time() * 1000)
        memory = _torch_memory()
        if memory:
            kept["torch"] = memory
        if self._file is None:
            # Appended whole: lines of several processes don't mix.
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.write(self._file, (json.dumps(kept) + "\n").encode())


def _at_end_of_child(flush):
    """A child that multiprocessing forks ends without atexit, but with finalizers of its own."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, flush, exitpriority=0)


def _torch_memory():
    """What torch says of CUDA memory, in bytes, where it is there and in use already; it is never imported for that."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return None
    return {
        "allocated": cuda.memory_allocated(),
        "reserved": cuda.memory_reserved(),
        "peak": cuda.max_memory_allocated(),
    }


def _figures(reported):
    """Numbers of Python's own, out of what people pass: tensors and arrays of one element, too. What is none is left out."""
    figures = {}
    for name, value in reported.items():
        try:
            figures[name] = value if type(value) in (int, float) else float(value)
        except Exception:
            pass
    return figures


def _detached(value):
    """What is kept until it is written: of a tensor its value alone, not all that it was computed from."""
    if type(value) in (int, float):
        return value
    return value.detach() if hasattr(value, "detach") else value


def _speaks():
    """Whether this process is the one of several that speaks for all: under torchrun that of rank 0 on its node."""
    return os.environ.get("LOCAL_RANK", "0") == os.environ.get("BERTH_RANK", "0")


_reporter = _Reporter()


def report(step=None, total=None, epoch=None, epochs=None, **metrics):
    """Says where the training is, and its figures: numbers, or tensors of one element.

    step and epoch say how much is done of total and epochs: the first one is 1, the last one is the total.
    Under torchrun only rank 0 of a node reports; a job with a process for each device has a file for each rank anyway.
    A tensor on a GPU is waited for only when it is written, ten times a second at the most: no need for .item().
    """
    if not _reporter._path:
        return
    try:
        metrics.update(step=step, total=total, epoch=epoch, epochs=epochs)
        _reporter.report({name: _detached(value) for name, value in metrics.items() if value is not None})
    except Exception:
        # A training doesn't fail because nobody could be told of it.
        pass
