"""How much of the winner's result is luck: ``python -m benchmarks.race_seeds``.

The best row of the race is fitted for five seeds, on each of two validation splits inside the
training rows: the first 10,000 are judged by a machine that learned from the 50,000 others, and so
are the last 10,000. Chapter 10 repeats the first seed.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from benchmarks.fresh import run_each
from benchmarks.race import RACE
from benchmarks.table import record_table
from mnist_course import load_mnist

SEEDS = (42, 1, 2, 3, 4)
PLAIN, BEST = "edges, SVM", "edges, SVM, practice on hard digits"
SIXTH = 10_000


def main() -> None:
    """Run every seed, and record one table."""
    rows = []
    seeds = (None, *SEEDS)
    found_each = run_each("benchmarks.race_seeds", map(str, seeds), threads=1)
    for seed, found in zip(seeds, found_each, strict=True):
        name = "no practice" if seed is None else f"seed {seed}"
        rows.append((name, str(found["first"]), str(found["last"])))
    record_table("race_seeds", ("what", "first", "last"), rows)


def run(seed: int | None) -> None:
    """Fit and judge on both splits in this process, and print what was found as JSON."""
    X, y = load_mnist("mnist").train
    found: dict[str, int] = {}
    for split, rows in (("first", slice(0, SIXTH)), ("last", slice(-SIXTH, None))):
        rest = np.ones(len(y), dtype=bool)
        rest[rows] = False
        model = RACE[PLAIN if seed is None else BEST][1]()
        if seed is not None:
            model.set_params(random_state=seed)
        answers = model.fit(X[rest], y[rest]).predict(X[rows])
        found[split] = int(np.sum(answers != y[rows]))
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:]:
        run(None if sys.argv[1] == "None" else int(sys.argv[1]))
    else:
        main()
