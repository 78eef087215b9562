"""Run Python in a fresh process, so that nothing is warm that would be cold for a reader."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def run_fresh(*arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Start Python with these arguments and wait for what it finds.

    Parameters
    ----------
    *arguments : str
        As on the command line: ``"-c", script`` or ``"-m", module``, and what these take.
    environment : mapping of str to str, optional
        All of its variables; those of this process by default.

    Returns
    -------
    dict
        The last line that it prints, read as JSON.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails; its own message stands on standard error.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        encoding="utf-8",
    )
    return json.loads(done.stdout.splitlines()[-1])
