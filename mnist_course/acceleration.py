"""Faster models with scikit-learn's interface, where a library that has them is installed."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from importlib.util import find_spec

# What scikit-learn-intelex is asked to replace: only where benchmarks/accelerate.py found that it
# helps; all else stays scikit-learn's own.
HELPED = ("sklearn.svm.SVC", "sklearn.neighbors.KNeighborsClassifier")
REMEDY = (
    'On x86 Linux and Windows: python -m pip install "mnist-course[fast]". '
    "With an NVIDIA card: install cuml."
)

_active = ""


def accelerate() -> str | None:
    """Let a faster library stand in for some of scikit-learn's models.

    Call it before anything is imported from scikit-learn: names imported earlier stay as they
    are. Taken is ``cuml.accel`` where an NVIDIA machine has it, otherwise scikit-learn-intelex
    (the extra ``fast``), and of the latter only `HELPED`. Published numbers are met within the
    same tolerances as without it, but not to the last digit. Give its ``SVC`` pixels as float64:
    in float32 one of the 45 pairs of digits came out wrong (``benchmarks/README.md``).

    Returns
    -------
    str or None
        What stands in now, with its version; None if there is nothing that could. A printed
        line says the same.
    """
    global _active
    late = "sklearn.base" in sys.modules and not _active
    _active = _active or _cuml() or _intelex()
    if not _active:
        print(f"Not accelerated: no accelerator is installed. {REMEDY}")
        return None
    print(f"Accelerated by {_active}.")
    if late:
        print(
            "scikit-learn was already in use: what was imported from it before this line stays "
            "as it was. Restart the kernel and put this line first."
        )
    return _active


def active() -> str:
    """Name what stands in for scikit-learn's models in this process; empty if nothing does."""
    return _active


def _cuml() -> str:
    if find_spec("cuml") is None:
        return ""
    try:
        importlib.import_module("cuml.accel").install()
    except Exception as error:  # whatever a missing card or driver makes of it
        print(f"cuml is installed but does not start here: {error}")
        return ""
    # Its wheels carry the version of CUDA in their name, so its own may not be found.
    return f"cuml.accel {getattr(sys.modules['cuml'], '__version__', '')}".strip()


def _intelex() -> str:
    if find_spec("sklearnex") is None:
        return ""
    importlib.import_module("sklearnex").patch_sklearn(name=list(HELPED), verbose=False)
    return f"scikit-learn-intelex {version('scikit-learn-intelex')}"
