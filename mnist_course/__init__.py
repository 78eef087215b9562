"""Helpers of the course *Classical machine learning on MNIST*.

The lessons live in ``notebooks/``; this package holds what would distract there: getting the
data, drawing digits, and setting a number beside the published one. What runs and checks the
notebooks is another package, ``mnist_course_tools``, and nothing here needs it.

Importing it is cheap. Heavy libraries are imported where they are used, and the public names
below are looked up on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mnist_course.machine import limit_threads

if TYPE_CHECKING:  # for editors and type checkers, which do not run __getattr__
    from mnist_course.acceleration import accelerate
    from mnist_course.cost import measure
    from mnist_course.dask_cluster import cluster
    from mnist_course.data import Dataset, load_csv, load_idx, load_mnist
    from mnist_course.display import control, show
    from mnist_course.machine import versions
    from mnist_course.plots import (
        BLUE,
        GREY,
        ORANGE,
        confusion_plot,
        digit_grid,
        pixel_map,
        threshold_curve,
        weight_grid,
    )
    from mnist_course.report import published, recorded_benchmark, reporter

__version__ = "0.1.0"

_HOME_OF = {
    "BLUE": "plots",
    "Dataset": "data",
    "GREY": "plots",
    "ORANGE": "plots",
    "accelerate": "acceleration",
    "cluster": "dask_cluster",
    "confusion_plot": "plots",
    "control": "display",
    "digit_grid": "plots",
    "load_csv": "data",
    "load_idx": "data",
    "load_mnist": "data",
    "measure": "cost",
    "pixel_map": "plots",
    "published": "report",
    "recorded_benchmark": "report",
    "reporter": "report",
    "show": "display",
    "threshold_curve": "plots",
    "versions": "machine",
    "weight_grid": "plots",
}

__all__ = [
    "BLUE",
    "GREY",
    "ORANGE",
    "Dataset",
    "__version__",
    "accelerate",
    "cluster",
    "confusion_plot",
    "control",
    "digit_grid",
    "load_csv",
    "load_idx",
    "load_mnist",
    "measure",
    "pixel_map",
    "published",
    "recorded_benchmark",
    "reporter",
    "show",
    "threshold_curve",
    "versions",
    "weight_grid",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mnist_course' has no attribute {name!r}")
    return getattr(import_module(f"mnist_course.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__


# A kernel in a container sees all cores of the host and would start a thread for each, though
# it owns one or two; threads that wait for a core spin. A notebook imports this package first of
# all, so that the limit is set before NumPy loads.
limit_threads()
