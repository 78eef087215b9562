"""What the processes of a submission have used: time, memory, files."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

import psutil

from mnist_course_tools.memory import family_memory

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


def usage(pid: int) -> tuple[float, float]:
    """Return the megabytes that a process and its descendants hold, and their seconds of a core.

    What has ended and was waited for is counted with its parent.
    """
    seconds = 0.0
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                seconds += times.user + times.system
                seconds += getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
    return family_memory(pid, itself=True) / 2**20, seconds


def files_of(pid: int) -> int:
    """Count the files in the scratch folder of a process that has a file system of its own."""
    with contextlib.suppress(psutil.Error, OSError, AttributeError):
        inside = psutil.Process(pid).children(recursive=True)[-1:]
        found = [os.statvfs(f"/proc/{process.pid}/root/tmp") for process in inside]
        here = os.statvfs("/tmp")
        return sum(each.f_files - each.f_ffree for each in found if each.f_fsid != here.f_fsid)
    return 0
