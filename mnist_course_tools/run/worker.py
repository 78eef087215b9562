"""The process that runs one notebook: papermill, with a line of JSON for each thing that happens.

Started as ``python -m mnist_course_tools.run.worker JOB``, where JOB is a JSON object with
``input``, ``output``, ``parameters`` and ``cell_timeout``. It ends, and its kernel with it, when
the process that started it is gone.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import queue
import re
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

_LOOK = 1.0  # seconds
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
# Where the parent listens. Standard output itself is the kernel's too, and must not reach it.
_channel = sys.stdout


def main(job: dict[str, Any]) -> int:
    """Run the notebook of a job; return 0, or 1 if it failed."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    import papermill
    from jupyter_client.channels import AsyncZMQSocketChannel
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    AsyncZMQSocketChannel.get_msg = _get_message
    source = Path(job["input"])
    at = {"cell": 0, "injected": 0}

    def cell_starts(cell: Any, cell_index: int) -> None:
        if "injected-parameters" in cell.metadata.get("tags", ()):
            at["injected"] = 1  # a cell that the notebook itself does not have
            return
        at["cell"] = cell_index + 1 - at["injected"]
        _say(event="cell", cell=at["cell"])

    try:
        papermill.execute_notebook(
            str(source),
            job["output"],
            parameters=job["parameters"],
            progress_bar=False,
            # This environment's own, whatever kernel a reader's JupyterLab wrote down.
            kernel_name="python3",
            language="python",
            cwd=str(source.parent),
            execution_timeout=job["cell_timeout"],
            on_cell_start=cell_starts,
        )
    except papermill.PapermillExecutionError as error:
        _failed(at["cell"], error.ename, error.evalue, "\n".join(error.traceback))
    except CellTimeoutError:
        _failed(at["cell"], "Timeout", f"the cell ran longer than {job['cell_timeout']} s")
    except DeadKernelError:
        _failed(at["cell"], "Kernel died", "most often the machine ran out of memory")
    except NoSuchKernel:
        remedy = "install it with: python -m pip install ipykernel"
        _failed(0, "No kernel", f"this environment has no kernel 'python3'; {remedy}")
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        folder = Path(job["output"]).parent
        _failed(at["cell"], "The disk is full", f"free some space at {folder}, or use --out")
    else:
        return 0
    return 1


async def _get_message(channel: Any, timeout: float | None = None) -> dict[str, Any]:
    """Wait for a message of a kernel, and look every second whether it is there already.

    jupyter_client waits to be woken, and once in a while nobody wakes it: a cell of two seconds
    then took its whole time limit, and its reply lay there. Looking again finds it.
    """
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        left = _LOOK if until is None else min(_LOOK, until - time.monotonic())
        if await channel.socket.poll(max(0, int(1000 * left))):
            return await channel._recv()
        if until is not None and time.monotonic() >= until:
            raise queue.Empty


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
    print(json.dumps(event), file=_channel, flush=True)


if __name__ == "__main__":
    _channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(main(json.loads(sys.argv[1])))
