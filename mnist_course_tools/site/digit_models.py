"""The course's models for the home page: fitted, and written for its drawing pad.

One file holds all of them: eight letters that name its form, a CRC-32 of all that follows the sum,
the length of a header, the header (JSON), and the numbers that it points to, little-endian. A model
is a list of steps there, as it is in scikit-learn; ``docs/_static/digit/models.js`` takes them.
"""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import mnist_course

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from mnist_course.data import Dataset

NAME = "models.bin"
ROWS = 10_000  # as the quick profile: 4 MB; another 5,000 are a megabyte, and 0.3 % fewer mistakes
_MAGIC = b"digits01"
_FRONT_END = Path(mnist_course.__file__).with_name("front_end")
SHARED = [_FRONT_END / f"drawing_pad.{kind}" for kind in ("js", "css")]
# What the pad says about each model: how it looks at a digit, and what its ten numbers are.
ABOUT = {
    "logistic regression": (
        "One weight for each pixel and digit; the ten sums become probabilities.",
        "probability",
    ),
    "SVM": (
        "Compares whole pictures, and learns from digits that are hard to tell apart. Each pair of "
        "digits fights a duel; the numbers rank the answers and are not probabilities.",
        "strength in duels",
    ),
    "nearest neighbours": (
        "The four most similar digits vote, and the nearer ones count for more.",
        "share of votes",
    ),
    "edges SVM": (
        "First slant, size and place are evened out; then it looks at which way the edges point, "
        "not at pixels. Its numbers, too, only rank the answers.",
        "strength in duels",
    ),
}


def write(folder: Path, source: str = "auto") -> Path:
    """Fit the models and write all that the pad needs and the repository does not keep.

    Parameters
    ----------
    folder : Path
        Where ``digit.js`` lies; beside the models it gets the notebook pad's front end, which
        both share.
    source : {"auto", "mnist", "digits"}, default="auto"
        As for `load_mnist`. The page says which rows its models have seen.

    Returns
    -------
    Path
        The file of models.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in SHARED:
        shutil.copy(path, folder)
    data = mnist_course.load_mnist(source)
    models = fit(data)
    path = folder / NAME
    path.write_bytes(pack(models, data))
    return path


def fit(data: Dataset) -> dict[str, Pipeline]:
    """Return the course's models, fitted on the first rows."""
    from mnist_course.models import course_models

    X, y = (part[:ROWS] for part in data.train)
    return {name: model.fit(X, y) for name, model in course_models().items()}


def pack(models: dict[str, Pipeline], data: Dataset) -> bytes:
    """Return the file: models with what they have learned, and how often they are right."""
    numbers = _Numbers()
    X, y = data.test
    header = {
        "source": data.source,
        "rows": min(ROWS, len(data.train[0])),
        "tested": len(y),
        "models": [
            {
                "name": name,
                "about": ABOUT[name][0],
                "kind": ABOUT[name][1],
                "right": float((model.predict(X) == y).mean()),
                "steps": [_step(step, numbers) for step in model],
            }
            for name, model in models.items()
        ],
    }
    text = json.dumps(header).encode("ascii")
    text += b" " * (-len(text) % 4)
    rest = struct.pack("<I", len(text)) + text + bytes(numbers.stored)
    return _MAGIC + struct.pack("<I", zlib.crc32(rest)) + rest


class _Numbers:
    """Arrays one after the other, each at a multiple of four bytes."""

    def __init__(self) -> None:
        self.stored = bytearray()

    def keep(self, values: NDArray[Any], kind: str = "float32") -> dict[str, Any]:
        """Store an array, and return where it is found."""
        array = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<"))
        place = {"type": kind, "start": len(self.stored), "length": array.size}
        self.stored += array.tobytes()
        self.stored += b"\0" * (-len(self.stored) % 4)
        return place


def _step(step: Any, numbers: _Numbers) -> dict[str, Any]:
    """Return a step of a pipeline by the name that the page knows, and what it has learned."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import FunctionTransformer

    from mnist_course import edges, warp
    from mnist_course.pair_svc import PairSVC

    keep = numbers.keep
    match step:
        case FunctionTransformer():
            settings: dict[str, dict[str, Any]] = {
                "divide": {},
                "normalise": {"spread": warp.SPREAD},
                "orientations": {
                    "directions": edges.DIRECTIONS,
                    "windows": keep(edges._windows(edges.CELLS)),
                },
            }
            name = step.func.__name__
            return {"step": name, **settings[name]}
        case PCA():
            return {
                "step": "components",
                "mean": keep(step.mean_),
                "components": keep(step.components_),
            }
        case LogisticRegression():
            return {
                "step": "logistic",
                "weights": keep(step.coef_),
                "intercepts": keep(step.intercept_),
            }
        case KNeighborsClassifier():
            return {
                "step": "neighbours",
                "k": step.n_neighbors,
                "rows": keep(step._fit_X),
                "labels": keep(step.classes_[step._y], "uint8"),
            }
        case PairSVC():
            return {
                "step": "duels",
                "gamma": float(step._gamma),
                "counts": step.n_support_.tolist(),
                "vectors": keep(step.support_vectors_),
                "weights": keep(step.dual_coef_.T),
                "intercepts": keep(step.intercept_),
            }
    raise TypeError(f"The home page does not know a step such as {step!r}.")
