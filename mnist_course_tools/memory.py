"""Memory: what this process may use, and what a kernel and its processes do use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from mnist_course.machine import cgroup_settings

EVERY = 0.25  # seconds between two looks; each takes some milliseconds of a core


def owned_memory() -> int:
    """Return the memory this process may use, in bytes.

    Returns
    -------
    int
        The machine's memory or, if smaller, the limit of the container.
    """
    limits = [int(text) for text in cgroup_settings("memory.max") if text.isdigit()]
    return min([psutil.virtual_memory().total, *limits])


def family_memory(pid: int) -> int:
    """Return how many bytes the descendants of a process hold, or held.

    Parameters
    ----------
    pid : int
        The process whose descendants are looked at; it does not count itself.

    Returns
    -------
    int
        The larger of two numbers: what all descendants hold at this moment, and the highest mark
        that the system itself recorded for a single one of them. The second catches a spike
        between two looks; Linux and Windows keep such a mark, macOS does not. 0 if there is no
        such process.
    """
    try:
        return held_by(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return 0


def held_by(processes: Sequence[psutil.Process]) -> int:
    """Return how many bytes some processes hold, or one of them held; as `family_memory`."""
    now = [_resident(process) for process in processes]
    return max([sum(now), *map(_high_water, processes)])


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _high_water(process: psutil.Process) -> int:
    if sys.platform == "win32":
        try:
            return process.memory_info().peak_wset
        except psutil.Error:
            return 0
    if not sys.platform.startswith("linux"):
        return 0
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
