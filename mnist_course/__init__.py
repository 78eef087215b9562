"""Helpers of the course *Classical machine learning on MNIST*.

The lessons live in ``notebooks/``; this package holds what would distract there: getting the
data, drawing digits, and setting a number beside the published one. What runs and checks the
notebooks is another package, ``mnist_course_tools``, and nothing here needs it.

Importing it is cheap. Heavy libraries are imported where they are used, and the public names
below are looked up on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mnist_course.machine import limit_threads

__version__ = "0.1.0"

_HOME_OF = {
    "Dataset": "mnist_course.data",
    "accelerate": "mnist_course.acceleration",
    "cluster": "mnist_course.dask_cluster",
    "BLUE": "mnist_course.plots",
    "ORANGE": "mnist_course.plots",
    "GREY": "mnist_course.plots",
    "confusion_matrices": "mnist_course.plots",
    "confusion_plot": "mnist_course.plots",
    "control": "mnist_course.display",
    "digit_grid": "mnist_course.plots",
    "load_csv": "mnist_course.data",
    "load_idx": "mnist_course.data",
    "load_mnist": "mnist_course.data",
    "measure": "mnist_course.cost",
    "pixel_map": "mnist_course.plots",
    "published": "mnist_course.report",
    "recorded_benchmark": "mnist_course.report",
    "reporter": "mnist_course.report",
    "show": "mnist_course.display",
    "threshold_curve": "mnist_course.plots",
    "versions": "mnist_course.machine",
    "weight_grid": "mnist_course.plots",
}

__all__ = sorted([*_HOME_OF, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mnist_course' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__


# A kernel in a container sees all cores of the host and would start a thread for each, though
# it owns one or two; threads that wait for a core spin. So the limit is set before NumPy loads.
limit_threads()
