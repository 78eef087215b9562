"""Helpers of the course *Classical machine learning on MNIST*.

The lessons live in ``notebooks/``; this package holds what would distract there: getting the
data, drawing digits, and setting a number beside the published one. What runs and checks the
notebooks is another package, ``mnist_course_tools``, and nothing here needs it.

Importing it is cheap. Heavy libraries are imported where they are used, and the public names
below are looked up on first use.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses such a Python; a kernel does not
    raise ImportError(
        f"The course needs Python 3.11 or newer, and this is Python {sys.version.split()[0]} "
        f"({sys.executable}). Choose another kernel, or start with: mnist-course lab"
    )

from mnist_course.machine import limit_threads

if TYPE_CHECKING:  # for editors and type checkers, which do not run __getattr__
    from mnist_course.acceleration import accelerate as accelerate
    from mnist_course.checks import check as check
    from mnist_course.claims import claimer as claimer
    from mnist_course.cost import measure as measure
    from mnist_course.dask_cluster import cluster as cluster
    from mnist_course.data import Dataset as Dataset
    from mnist_course.data import load_idx as load_idx
    from mnist_course.data import load_mnist as load_mnist
    from mnist_course.display import control as control
    from mnist_course.display import show as show
    from mnist_course.drawing_pad import DrawingPad as DrawingPad
    from mnist_course.edges import orientations as orientations
    from mnist_course.errors import CourseError as CourseError
    from mnist_course.handwriting import KINDS as KINDS
    from mnist_course.handwriting import Steps as Steps
    from mnist_course.handwriting import page_to_mnist as page_to_mnist
    from mnist_course.handwriting import simulate_page as simulate_page
    from mnist_course.handwriting import simulate_picture as simulate_picture
    from mnist_course.handwriting import to_mnist as to_mnist
    from mnist_course.handwriting import to_mnist_steps as to_mnist_steps
    from mnist_course.hard_digits import HardDigits as HardDigits
    from mnist_course.iterations import scores_by_iteration as scores_by_iteration
    from mnist_course.machine import versions as versions
    from mnist_course.models import course_models as course_models
    from mnist_course.pair_svc import PairSVC as PairSVC
    from mnist_course.plots import *  # noqa: F403
    from mnist_course.report import published as published
    from mnist_course.report import recorded_benchmark as recorded_benchmark
    from mnist_course.report import reporter as reporter
    from mnist_course.warp import Distortion as Distortion
    from mnist_course.warp import deskew as deskew
    from mnist_course.warp import normalise as normalise

__version__ = "1.0.0"

_NAMES_IN = {
    "acceleration": ("accelerate",),
    "checks": ("check",),
    "claims": ("claimer",),
    "cost": ("measure",),
    "dask_cluster": ("cluster",),
    "data": ("Dataset", "load_idx", "load_mnist"),
    "display": ("control", "show"),
    "drawing_pad": ("DrawingPad",),
    "edges": ("orientations",),
    "errors": ("CourseError",),
    "handwriting": (
        *("KINDS", "Steps", "page_to_mnist", "simulate_page", "simulate_picture"),
        *("to_mnist", "to_mnist_steps"),
    ),
    "hard_digits": ("HardDigits",),
    "iterations": ("scores_by_iteration",),
    "machine": ("versions",),
    "models": ("course_models",),
    "pair_svc": ("PairSVC",),
    "plots": (
        *("AMBER", "BLUE", "GREEN", "GREY", "ORANGE"),
        *("digit_grid", "pixel_map", "threshold_curve", "weight_grid"),
    ),
    "report": ("published", "recorded_benchmark", "reporter"),
    "warp": ("Distortion", "deskew", "normalise"),
}
_HOME_OF = {name: module for module, names in _NAMES_IN.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


if not TYPE_CHECKING:  # a type checker would let any name pass

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
