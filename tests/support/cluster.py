"""A Dask scheduler and workers, each a process of its own on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_PATIENCE = 30  # seconds for a scheduler or a worker to start
_QUIET = {"DASK_LOGGING__DISTRIBUTED": "error", "PYTHONWARNINGS": "ignore"}


@dataclass
class Cluster:
    """A running scheduler and its workers.

    Attributes
    ----------
    address : str
        Of the scheduler.
    workers : list of Popen
        A nanny for each; the worker itself is its child.
    """

    address: str
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start one more worker, with one thread."""
        name = f"worker-{len(self.workers)}"
        worker = _start(
            *("worker", self.address, "--name", name, "--nthreads", "1", "--no-dashboard"),
            *("--local-directory", str(self.folder / name), "--host", "127.0.0.1"),
            folder=self.folder,
            **environment,
        )
        self.workers.append(worker)
        return worker


@contextlib.contextmanager
def running_cluster(folder: Path, *, workers: int = 2, **environment: str) -> Iterator[Cluster]:
    """Start a scheduler and some workers, and end them afterwards, whatever happened."""
    file = folder / "scheduler.json"
    scheduler = _start(
        *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        *("--scheduler-file", str(file)),
        folder=folder,
    )
    cluster = Cluster("", folder)
    try:
        cluster.address = _address(file, scheduler)
        for _ in range(workers):
            cluster.add_worker(**environment)
        wait_for_workers(cluster.address, workers)
        yield cluster
    finally:
        for process in [*cluster.workers, scheduler]:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started, at once."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [*psutil.Process(process.pid).children(recursive=True)]
        # The nanny first, or it would start the worker again.
        process.kill()
        for child in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.wait()


def _start(*command: str, folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *command],
        cwd=folder,
        env={**os.environ, **_QUIET, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _address(file: Path, scheduler: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(OSError, ValueError, KeyError):
            return json.loads(file.read_text(encoding="utf-8"))["address"]
        assert scheduler.poll() is None, "the scheduler did not start"
        assert time.monotonic() < until, f"waited {_PATIENCE} s for the scheduler"
        time.sleep(0.1)


def wait_for_workers(address: str, count: int) -> None:
    """Wait until a scheduler has so many workers."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        if count:
            client.wait_for_workers(count, timeout=_PATIENCE)
