"""What the processes of a submission have used: time, memory, files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from mnist_course_tools.classroom.sandbox import SCRATCH
from mnist_course_tools.memory import held_by

_PATIENCE = 3.0  # seconds by the clock for each of a core


@dataclass(frozen=True)
class Used:
    """Seconds of a core, and seconds by the clock."""

    cpu: float = 0.0
    clock: float = 0.0

    def __sub__(self, other: Used) -> Used:
        return Used(self.cpu - other.cpu, self.clock - other.clock)

    def beyond(self, seconds: float) -> bool:
        """Tell whether it is more than this, as a core counts or three times by the clock."""
        return self.cpu > seconds or self.clock > _PATIENCE * seconds


@dataclass(frozen=True)
class Look:
    """What is seen of a process and all that it has started.

    Attributes
    ----------
    memory_mb : float
    cpu : float
        Seconds of a core; what has ended is counted with the process that waited for it.
    files : int
        In the scratch folder, where there is a file system of its own.
    """

    memory_mb: float
    cpu: float
    files: int


def look_at(pid: int) -> Look:
    """Look at a process once; all is 0 if there is none."""
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        family = [first, *first.children(recursive=True)]
    return Look(held_by(family) / 2**20, sum(map(_seconds, family)), _files(family))


def _seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:4]))  # its own, and those of children that ended
    except psutil.Error:
        return 0.0


def _files(family: Sequence[psutil.Process]) -> int:
    # Those who start the others see the files of this machine; the last is inside.
    with contextlib.suppress(OSError, AttributeError):
        if not family:
            return 0
        # Linux shows each process's own file system under its number.
        seen_by_it = Path("/proc", str(family[-1].pid), "root", *Path(SCRATCH).parts[1:])
        inside, here = os.statvfs(seen_by_it), os.statvfs(SCRATCH)
        if inside.f_fsid != here.f_fsid:
            return inside.f_files - inside.f_ffree
    return 0
