"""The environment of every kernel: what run, verify, lab and Binder have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mnist_course.machine import limit_threads, thread_environment

_FOLDERS = ("MNIST_COURSE_DATA", "MNIST_COURSE_CACHE")


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
    if private is not None:
        environment |= {"IPYTHONDIR": str(private), "JUPYTER_PREFER_ENV_PATH": "1"}
    return environment


if __name__ == "__main__":  # for binder/start: NAME=VALUE lines to export
    chosen: dict[str, str] = {}
    limit_threads(chosen)
    for name, value in chosen.items():
        print(f"{name}={value}")
