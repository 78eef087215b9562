"""What scikit-learn-intelex buys, model by model: ``python -m benchmarks.accelerate``.

Every figure comes from a fresh process with the same rows, once with scikit-learn's own model
and once with the accelerated one in its place, one right after the other.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.fresh import run_fresh
from benchmarks.table import record_table
from mnist_course.machine import owned_cores, thread_environment

_SVC, _ON_50 = "sklearn.svm.SVC", "make_pipeline(PCA(50, random_state=42), {})"
# Name: what is replaced, number type, rows, model.
MODELS = {
    "SVC (RBF), one against rest, 784 pixels, 12,000 rows": (
        _SVC,
        "float64",
        12_000,
        "make_pipeline(StandardScaler(), OneVsRestClassifier(SVC()))",
    ),
    "SVC (RBF), 50 components, 60,000 rows": (
        _SVC,
        "float64",
        60_000,
        _ON_50.format("SVC(C=5, gamma=0.02)"),
    ),
    "the same in float32": (_SVC, "float32", 60_000, _ON_50.format("SVC(C=5, gamma=0.02)")),
    "k nearest neighbours, 60,000 rows": (
        "sklearn.neighbors.KNeighborsClassifier",
        "float32",
        60_000,
        "KNeighborsClassifier()",
    ),
    "random forest, 60,000 rows": (
        "sklearn.ensemble.RandomForestClassifier",
        "float32",
        60_000,
        "RandomForestClassifier(random_state=42, n_jobs=-1)",
    ),
    "PCA to 100 components, 60,000 rows": (
        "sklearn.decomposition.PCA",
        "float32",
        60_000,
        "PCA(100, random_state=42)",
    ),
    "logistic regression, 100 steps, 60,000 rows": (
        "sklearn.linear_model.LogisticRegression",
        "float32",
        60_000,
        "LogisticRegression(max_iter=100)",
    ),
}

_SCRIPT = """
import json, sys, time, warnings
warnings.simplefilter("ignore")  # 100 steps are not enough for logistic regression: see chapter 3
replaced, dtype, rows, model, answers, on = json.loads(sys.argv[1])
if on:
    from sklearnex import patch_sklearn
    patch_sklearn(name=[replaced], verbose=False)
import numpy as np
from mnist_course import load_mnist, measure
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

mnist = load_mnist("mnist")
X, y = (part[:rows] for part in mnist.train)
X, T = ((part / np.float32(255)).astype(dtype) for part in (X, mnist.test[0]))
model = eval(model)
with measure() as fit:
    model.fit(X, y)
with measure() as use:
    result = model.predict(T) if hasattr(model, "predict") else model.transform(T)
if result.ndim == 1:
    score = float((result == mnist.test[1]).mean())
else:
    score = float(model.explained_variance_ratio_.sum())
np.save(answers, result)
print(json.dumps({"fit": fit.seconds, "use": use.seconds, "score": score}))
"""


def main(chosen: list[str]) -> None:
    """Measure and print one table; a word on the command line chooses models by name."""
    import numpy as np

    models = {n: m for n, m in MODELS.items() if not chosen or any(word in n for word in chosen)}
    table = []
    with tempfile.TemporaryDirectory() as scratch:
        answers = [Path(scratch) / f"{word}.npy" for word in ("without", "with")]
        for name, model in models.items():
            off, on = (_run(*model, str(path), bool(on)) for on, path in enumerate(answers))
            a, b = map(np.load, answers)
            # Components may point the other way; what they span is what counts.
            same = f"{np.mean(a == b):.2%}" if a.ndim == 1 else "a transform"
            table.append(
                (
                    name,
                    *(f"{seconds:.1f} s" for seconds in (off["fit"], on["fit"])),
                    f"{off['fit'] / on['fit']:.1f}",
                    *(f"{seconds:.2f} s" for seconds in (off["use"], on["use"])),
                    f"{off['use'] / on['use']:.1f}",
                    f"{off['score']:.4f}",
                    f"{on['score']:.4f}",
                    same,
                )
            )
            print(f"measured: {name}", file=sys.stderr, flush=True)
    headings = (
        "What",
        "fit without",
        "fit with",
        "fit: times faster",
        "predict without",
        "predict with",
        "predict: times faster",
        "score without",
        "score with",
        "same answers",
    )
    record_table("accelerate", headings, table)


def _run(*task: str | int | bool) -> dict[str, float]:
    environment = {**os.environ, **thread_environment(owned_cores())}
    return run_fresh("-c", _SCRIPT, json.dumps(task), environment=environment)


if __name__ == "__main__":
    main(sys.argv[1:])
