"""What a piece of work costs: seconds, and the most memory the process held meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mnist_course.errors import notice

_IN_BROWSER = sys.platform == "emscripten"
_INTERVAL = 0.005  # seconds between two looks at the memory


@dataclass
class Cost:
    """Seconds and memory of a block of code, filled in when the block ends."""

    seconds: float = 0.0
    peak_bytes: int = 0  # of this whole process at its highest, without those that it started

    @property
    def peak_mb(self) -> float:
        """The peak in megabytes of a million bytes."""
        if _IN_BROWSER:
            notice(
                "a browser's tab never gives memory back, so the MB named here are all that this "
                "notebook has taken so far; what one step takes cannot be measured."
            )
        return self.peak_bytes / 1e6

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, at most {self.peak_mb:.0f} MB"


class Peak(threading.Thread):
    """Keep the largest value of a number that is looked at `every` so many seconds."""

    def __init__(self, look: Callable[[], int], every: float) -> None:
        super().__init__(daemon=True)
        self._look, self._every, self._over = look, every, threading.Event()
        self.value = look()

    def run(self) -> None:
        while not self._over.wait(self._every):
            self.value = max(self.value, self._look())

    def stop(self) -> int:
        """Look a last time, stop, and return the largest value seen."""
        self._over.set()
        if self.is_alive():
            self.join()
        self.value = max(self.value, self._look())
        return self.value


@contextmanager
def measure() -> Iterator[Cost]:
    """Measure what the code in a ``with`` block costs.

    Memory is looked at every five milliseconds, so a shorter spike may escape.

    Yields
    ------
    Cost
        Its `seconds` and `peak_bytes` (`peak_mb` in millions) are filled in when the block ends.

    Examples
    --------
    >>> with measure() as cost:
    ...     total = sum(range(1000))
    >>> cost.seconds < 10 and cost.peak_bytes > 0
    True
    """
    cost, peak = Cost(), Peak(_look(), _INTERVAL)
    if not _IN_BROWSER:  # a tab has one thread, and its memory only grows: looking twice will do
        peak.start()
    start = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - start
        cost.peak_bytes = peak.stop()


def _look() -> Callable[[], int]:
    """Return what tells the memory that this process holds now, in bytes."""
    if _IN_BROWSER:
        from mnist_course.browser import heap_bytes

        return heap_bytes
    import psutil

    memory = psutil.Process().memory_info
    return lambda: memory().rss
