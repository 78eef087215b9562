"""Seconds and memory of a block of code."""

import time

import numpy as np
import pytest

from mnist_course import measure

MB = 1_000_000


def test_seconds_are_those_of_the_block():
    with measure() as cost:
        time.sleep(0.2)
    time.sleep(0.2)
    assert 0.2 <= cost.seconds < 0.4


def test_memory_that_the_block_gave_back_still_counts():
    with measure() as small:
        pass
    with measure() as large:
        ones = np.ones(200 * MB, dtype=np.uint8)
        time.sleep(0.1)
        del ones
    with measure() as after:
        pass
    assert large.peak_bytes - small.peak_bytes > 190 * MB
    assert after.peak_bytes - small.peak_bytes < 50 * MB


def test_a_block_that_fails_is_measured_and_its_error_kept():
    with pytest.raises(RuntimeError, match="on purpose"), measure() as cost:
        time.sleep(0.05)
        raise RuntimeError("on purpose")
    assert cost.seconds >= 0.05
    assert cost.peak_bytes > 0


def test_a_cost_reads_as_a_line():
    with measure() as cost:
        pass
    assert str(cost).startswith("0.0 s, at most ")
    assert str(cost).endswith(" MB")
