"""What was tried on the way to the race's best rows: ``python -m benchmarks.race_tried``.

Each variant changes one thing, is fitted to 50,000 training rows and judged by the 10,000 others,
for two splits: the first and the last 10,000. The test rows are not used.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from benchmarks.fresh import run_each
from benchmarks.race import components
from benchmarks.table import record_table
from mnist_course import HardDigits, PairSVC, deskew, load_mnist, normalise, orientations

SIXTH = 10_000


def edges(
    look: Callable[[Any], Any] = normalise,
    *,
    count: Callable[[Any], Any] = orientations,
    n: int = 120,
    C: float = 10,
) -> Pipeline:
    """Return the plain pipeline, with one thing changed."""
    steps = FunctionTransformer(look), FunctionTransformer(count), components(n)
    return make_pipeline(*steps, PairSVC(C=C, gamma="scale"))


def squared(pictures: Any) -> Any:
    """Return histograms without the square root, at length 1 again."""
    amounts = orientations(pictures) ** 2
    return amounts / np.linalg.norm(amounts, axis=1, keepdims=True)


def as_written(pictures: Any) -> Any:
    return pictures


def practice(**changes: Any) -> HardDigits:
    return HardDigits(edges(), random_state=42, **changes)


VARIANTS: dict[str, Callable[[], Any]] = {
    "the plain machine": edges,
    "as written, not normalised": lambda: edges(as_written),
    "deskewed only": lambda: edges(deskew),
    "8 directions": lambda: edges(count=partial(orientations, directions=8)),
    "no square root": lambda: edges(count=squared),
    "160 components": lambda: edges(n=160),
    "C = 3": lambda: edges(C=3),
    "practice": practice,
    "practice, one machine": lambda: practice(machines=1),
    "practice, C = 10": lambda: practice(C=10.0),
}


def main() -> None:
    """Run every variant, and record one table."""
    rows = []
    found_each = run_each("benchmarks.race_tried", VARIANTS, threads=1)
    for name, found in zip(VARIANTS, found_each, strict=True):
        total = found["first"] + found["last"]
        rows.append((name, str(found["first"]), str(found["last"]), str(total)))
    record_table("race_tried", ("what", "first 10,000", "last 10,000", "errors"), rows)


def run(name: str) -> None:
    """Judge a variant on both splits in this process, and print its errors as JSON."""
    X, y = load_mnist("mnist").train
    found = {}
    for split, rows in (("first", slice(0, SIXTH)), ("last", slice(-SIXTH, None))):
        rest = np.ones(len(y), dtype=bool)
        rest[rows] = False
        answers = VARIANTS[name]().fit(X[rest], y[rest]).predict(X[rows])
        found[split] = int(np.sum(answers != y[rows]))
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:]:
        run(sys.argv[1])
    else:
        main()
