"""Tables that a benchmark left behind, for a notebook to show as recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame


def benchmark_file(name: str) -> Path:
    """Return where a benchmark's table lies in a checkout of the course."""
    return Path(__file__).parents[1] / "results" / "benchmarks" / f"{name}.csv"


def recorded_benchmark(name: str) -> DataFrame:
    """Return the table that a benchmark recorded, and print where its figures come from.

    Parameters
    ----------
    name : str
        Of a script in ``benchmarks/``, such as ``"polynomial"``.

    Returns
    -------
    DataFrame
        All text, as printed by the benchmark; the index is its first column.

    Raises
    ------
    FileNotFoundError
        If the benchmark has recorded no table, or this is not a checkout of the course.
    """
    import pandas as pd

    path = benchmark_file(name)
    if not path.exists():
        raise FileNotFoundError(
            f"The benchmark {name!r} has no recorded table (results/benchmarks/{name}.csv). "
            f"Make one in a checkout of the course: python -m benchmarks.{name}"
        )
    with path.open(encoding="utf-8") as file:
        machine = file.readline().removeprefix("#").strip()
        table = pd.read_csv(file, dtype=str, keep_default_na=False, index_col=0)
    print(f"Recorded, not computed now: {machine}")
    print(f"Repeat it: python -m benchmarks.{name}")
    return table
