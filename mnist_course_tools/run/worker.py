"""The process that runs one notebook: papermill, with a line of JSON for each thing that happens.

Started as ``python -m mnist_course_tools.run.worker JOB``, where JOB is a JSON object with
``input``, ``output``, ``parameters`` and ``cell_timeout``. It ends, and its kernel with it, when
the process that started it is gone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main(job: dict[str, Any]) -> int:
    """Run the notebook of a job; return 0, or 1 if it failed."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    source = Path(job["input"])
    at = {"cell": 0}

    def cell_starts(cell: object, cell_index: int) -> None:
        at["cell"] = cell_index + 1
        _say(event="cell", cell=cell_index + 1)

    try:
        papermill.execute_notebook(
            str(source),
            job["output"],
            parameters=job["parameters"],
            progress_bar=False,
            cwd=str(source.parent),
            execution_timeout=job["cell_timeout"],
            on_cell_start=cell_starts,
        )
    except papermill.PapermillExecutionError as error:
        _failed(error.cell_index + 1, error.ename, error.evalue, "\n".join(error.traceback))
    except CellTimeoutError:
        _failed(at["cell"], "Timeout", f"the cell ran longer than {job['cell_timeout']} s")
    except DeadKernelError:
        _failed(at["cell"], "Kernel died", "most often the machine ran out of memory")
    else:
        return 0
    return 1


def _end_with_parent() -> None:
    """Leave at once when the parent has died; a Jupyter kernel does the same."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(os.getppid())
        while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.5)
    os._exit(1)


def _failed(cell: int, name: str, message: str, traceback: str = "") -> None:
    _say(
        event="failed", cell=cell, name=name, message=message, traceback=_COLOUR.sub("", traceback)
    )


def _say(**event: Any) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(main(json.loads(sys.argv[1])))
