"""Teach nbval our comparison: the one file that patches nbval.

Load it with ``-p mnist_course_tools.check.nbval_plugin``; nbval itself is loaded by pytest. nbval
as it comes compares text to the last digit, runs cells in a way in which a trailing ``;`` has
no effect, shows what belongs inside an output widget, loses messages where there are many, and
passes notebooks whose outputs were cleared.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest
import zmq
from jupyter_client.manager import KernelManager
from nbval import kernel as nbval_kernel
from nbval import plugin as nbval
from nbval.kernel import RunningKernel

from mnist_course_tools.check.compare import differences

# The patches reach into nbval's classes; with another version they may hit nothing.
PATCHED_VERSION = "0.11.0"

# Messages that a capturing output widget takes out of the cell's own output. Errors are not
# among them: Jupyter shows them inside the widget too, but here they have to fail the cell.
_CAPTURED_MESSAGES = {"stream", "display_data", "execute_result", "clear_output"}

NEVER_RUN = (
    "This cell was never run, or its outputs were cleared. Run the whole notebook and commit "
    "it with its outputs."
)

_nbval_runtest = nbval.IPyNbCell.runtest
_nbval_get_kernel_message = nbval.IPyNbFile.get_kernel_message


def pytest_configure(config: pytest.Config) -> None:
    """Patch nbval, or refuse when it is not the version this file was written for."""
    installed = version("nbval")
    if installed != PATCHED_VERSION:
        raise pytest.UsageError(
            f"nbval {installed} is installed, but mnist_course_tools/check/nbval_plugin.py patches "
            f"{PATCHED_VERSION}. Install nbval=={PATCHED_VERSION}, or look through the patches "
            "and run tests/test_verify.py."
        )
    nbval_kernel.KernelManager = _PatientKernelManager
    RunningKernel.execute_cell_input = _execute_as_jupyter
    # nbval merges text across figures, which hides their order; our comparison merges itself.
    nbval.coalesce_streams = list
    nbval.IPyNbFile.get_kernel_message = _get_kernel_message
    nbval.IPyNbCell.compare_outputs = _compare_outputs
    nbval.IPyNbCell.runtest = _runtest


class _PatientKernelManager(KernelManager):
    """Start kernels whose messages wait, however many they are.

    nbval looks at outputs only when a cell has ended. A progress bar sends dozens of messages a
    second, and sockets as they come drop what is beyond the first thousands without a word:
    printed lines, or the message that the cell has ended.
    """

    def client(self, **options: Any) -> Any:
        client = super().client(**options)
        client.context.setsockopt(zmq.RCVHWM, 0)  # no limit, for sockets made from now on
        return client


def _execute_as_jupyter(
    self: RunningKernel, cell_input: str, allow_stdin: bool | None = None
) -> str:
    """Run a cell as Jupyter does: with history, on which the meaning of ``;`` depends."""
    return self.kc.execute(
        cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
    )


def _compare_outputs(
    self: nbval.IPyNbCell, test: list[Any], ref: list[Any], skip_compare: Any = None
) -> bool:
    """Compare with our rules instead of nbval's."""
    tags = self.cell.metadata.get("tags", [])
    self.comparison_traceback = differences(ref, test, tags=tags)
    return not self.comparison_traceback


def _runtest(self: nbval.IPyNbCell) -> None:
    """Run and compare a cell; one that was committed without being run fails."""
    _nbval_runtest(self)
    if self.cell.source.strip() and self.cell.execution_count is None:
        self.raise_cell_error(NEVER_RUN)


def _get_kernel_message(
    self: nbval.IPyNbFile, timeout: float | None = None, stream: str = "iopub"
) -> dict[str, Any]:
    """Return the next message that is not shown inside an output widget, as Jupyter does."""
    while True:
        message = _nbval_get_kernel_message(self, timeout, stream)
        capturing = _capturing_widgets(self, message)
        parent = message["parent_header"].get("msg_id")
        if message["msg_type"] not in _CAPTURED_MESSAGES or parent not in capturing.values():
            return message


def _capturing_widgets(notebook: nbval.IPyNbFile, message: dict[str, Any]) -> dict[str, str]:
    """Keep track of the output widgets that capture: widget id to the id of the captured cell."""
    capturing = notebook.__dict__.setdefault("capturing_widgets", {})
    if message["msg_type"] in {"comm_open", "comm_msg"}:
        content = message["content"]
        data = content.get("data")
        state = data.get("state") if isinstance(data, dict) else None
        # An output widget captures the cell whose message id it holds, and stops with "".
        if isinstance(state, dict) and "msg_id" in state:
            capturing[content["comm_id"]] = state["msg_id"]
    return capturing
