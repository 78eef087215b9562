"""The environment of every kernel: what run, verify, lab and Binder have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mnist_course.machine import limit_threads, thread_environment

_FOLDERS = ("MNIST_COURSE_DATA", "MNIST_COURSE_CACHE")
# What OpenBLAS calls processors that can run its code for Haswell, and newer code besides.
_LIKE_HASWELL = {"Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"}


def kernel_environment(
    *,
    threads: int | None = None,
    private: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the variables that a process which starts kernels is given.

    Parameters
    ----------
    threads : int, optional
        For BLAS and joblib, in each kernel. Without it the libraries choose, and are only held
        to the cores this process owns.
    private : Path, optional
        An empty folder: the reader's own IPython start-up files and kernels then stay out of it.
    settings : mapping of str to str, optional
        Further variables.

    Returns
    -------
    dict of str to str
        With all variables of this process. Relative folders in the course's variables are made
        absolute, because kernels start in the folder of their notebook.
    """
    environment = {**os.environ, **(settings or {}), "PYTHONUTF8": "1"}
    for name in _FOLDERS:
        if environment.get(name):
            # abspath tidies "../shared" where Path.absolute does not; resolve would follow links.
            folder = Path(environment[name]).expanduser()
            environment[name] = os.path.abspath(folder)  # noqa: PTH100
    if threads is None:
        limit_threads(environment)
    else:
        environment |= thread_environment(threads)
        for name, value in _same_sums().items():
            environment.setdefault(name, value)
    if private is not None:
        environment |= {"IPYTHONDIR": str(private), "JUPYTER_PREFER_ENV_PATH": "1"}
    return environment


def _same_sums() -> dict[str, str]:
    """Return what makes OpenBLAS add up in the same order on all recent x86 processors.

    It has code of its own for each kind. Their sums differ in the last digit, and long iterative
    fits then end in another third digit: a notebook run on one machine would not agree with
    a run on another.
    """
    import numpy  # noqa: F401 - loads the library that is asked about
    from threadpoolctl import threadpool_info

    found = {lib.get("architecture") for lib in threadpool_info() if "openblas" in lib.values()}
    return {"OPENBLAS_CORETYPE": "Haswell"} if found and found <= _LIKE_HASWELL else {}


if __name__ == "__main__":  # for binder/start: NAME=VALUE lines to export
    chosen: dict[str, str] = {}
    limit_threads(chosen)
    for name, value in chosen.items():
        print(f"{name}={value}")
