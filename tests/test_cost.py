"""Seconds and memory of a block of code."""

import time

import numpy as np
import pytest

from mnist_course import measure
from mnist_course.cost import Peak

MB = 1_000_000


def test_seconds_are_those_of_the_block():
    before = time.perf_counter()
    with measure() as cost:
        time.sleep(0.2)
    after = time.perf_counter()
    time.sleep(0.2)
    assert 0.2 <= cost.seconds <= after - before


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


def test_the_largest_value_of_many_looks_is_kept_and_the_last_look_counts():
    values = iter([3, 9, 4])
    peak = Peak(lambda: next(values, 5), every=0.001)
    peak.start()
    time.sleep(0.1)
    assert peak.stop() == 9
    late = Peak(iter([1, 7]).__next__, every=60)
    late.start()
    assert late.stop() == 7
