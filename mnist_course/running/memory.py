"""Peak memory of a kernel and the processes it starts."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import psutil

INTERVAL = 0.1  # seconds between two looks


class PeakMemory(threading.Thread):
    """Watch the descendants of a process until told to stop.

    The peak is the larger of two numbers: the highest sum of all descendants seen at one look,
    and the highest mark that the system itself recorded for a single one of them. The second
    catches a spike between two looks.

    Parameters
    ----------
    pid : int
        The process whose descendants are watched; it does not count itself.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.peak_bytes = 0

    def run(self) -> None:
        """Look every tenth of a second."""
        while not self._over.wait(INTERVAL):
            try:
                descendants = psutil.Process(self._pid).children(recursive=True)
            except psutil.Error:
                return
            now = [_resident(process) for process in descendants]
            marks = [_high_water(process.pid) for process in descendants]
            self.peak_bytes = max([self.peak_bytes, sum(now), *marks])

    def stop(self) -> int:
        """Stop watching and return the peak in bytes."""
        self._over.set()
        self.join()
        return self.peak_bytes


def _resident(process: psutil.Process) -> int:
    try:
        memory = process.memory_info()
    except psutil.Error:
        return 0
    return getattr(memory, "peak_wset", memory.rss)  # Windows keeps the peak itself


def _high_water(pid: int) -> int:
    if not sys.platform.startswith("linux"):
        return 0
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
