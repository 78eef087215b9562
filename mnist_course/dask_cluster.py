"""More than one machine: searches and cross-validations on a Dask cluster.

Everything in scikit-learn that takes ``n_jobs`` hands its work to joblib, and joblib can hand it
on to Dask. So a notebook needs one `with` line, and nothing else in it changes.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from mnist_course.errors import ClusterError
from mnist_course.machine import owned_cores

if TYPE_CHECKING:
    from distributed import Client

ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"  # Dask's own name for it
_PATIENCE = 4  # seconds, each for the scheduler to answer and for a first worker
_SAME_EVERYWHERE = ("scikit-learn", "numpy")


@contextmanager
def cluster(address: str | None = None) -> Iterator[Client]:
    """Let joblib, and so scikit-learn's ``n_jobs``, work on a Dask cluster.

    Results are the same as without it, and a worker may die meanwhile.

    Parameters
    ----------
    address : str, optional
        Of a scheduler, such as ``"tcp://scheduler:8786"``. Without it the one named by the
        environment variable ``DASK_SCHEDULER_ADDRESS``; if there is none, a cluster starts on
        this machine, with one worker process for each core owned, and ends with the block.

    Yields
    ------
    distributed.Client
        The connection; a notebook seldom needs it.

    Raises
    ------
    ClusterError
        Within ten seconds: Dask is not installed, no scheduler answers, it has no workers, or
        they have other versions.

    Examples
    --------
    >>> from joblib import Parallel, delayed
    >>> with cluster():  # a search's `fit` stands there in a lesson
    ...     Parallel()(delayed(abs)(number) for number in (1, -2))
    [1, 2]
    """
    import joblib

    with connect(address) as client, joblib.parallel_config(backend="dask", client=client):
        yield client


@contextmanager
def connect(address: str | None = None) -> Iterator[Client]:
    """Connect to a cluster, or start one here; see `cluster`."""
    try:
        import dask
        from distributed import LocalCluster
    except ImportError as error:
        raise ClusterError(
            f"Dask is not installed ({error}), and a cluster needs it.\n"
            'Install it with: python -m pip install "mnist-course[cluster]"'
        ) from None
    # A worker must get the data anyway; that they are large is no news here.
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"})
    address = address or os.environ.get(ADDRESS_VARIABLE) or None
    with ExitStack() as stack:
        if address is None:
            # Port 0 is any free one: another cluster may hold the usual one.
            quiet = {"dashboard_address": ":0", "silence_logs": logging.ERROR}
            here = LocalCluster(n_workers=owned_cores(), threads_per_worker=1, **quiet)
            address = stack.enter_context(here).scheduler_address
        client = stack.enter_context(_client(address))
        _check_workers(client, address)
        yield client


def _client(address: str) -> Client:
    from distributed import Client

    class KeepingClient(Client):
        """A client whose data survive the death of the worker that holds them.

        joblib places large arguments on one worker with ``scatter``, and if that worker dies
        they are gone and the whole search with them. As the result of a task they are made
        again, from the scheduler's copy of what the task was.
        """

        def scatter(self, data: Any, *args: Any, **kwargs: Any) -> Any:
            if not kwargs.get("asynchronous"):
                return super().scatter(data, *args, **kwargs)

            async def send() -> Any:
                return self.submit(lambda kept: kept, data, pure=False)

            return send()

    try:
        _knock(address)
        return KeepingClient(address, timeout=_PATIENCE)
    except (OSError, ValueError, TypeError) as error:
        reason = next(iter(str(error).splitlines()), f"nobody spoke for {_PATIENCE} s")
        raise ClusterError(
            f"No Dask scheduler answers at {address} ({reason}).\n"
            f"Start one with 'dask scheduler' and workers with 'dask worker {address}', or check "
            f"the address and {ADDRESS_VARIABLE}. It looks like tcp://name:8786."
        ) from None


def _knock(address: str) -> None:
    """Make sure that a scheduler speaks; the client itself would wait for its word for ever."""
    from distributed.comm.core import connect

    async def knock() -> None:
        comm = await asyncio.wait_for(connect(address, timeout=_PATIENCE), _PATIENCE)
        await comm.close()

    # In a thread: a notebook's own thread already runs an event loop.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, knock()).result()


def _check_workers(client: Client, address: str) -> None:
    from distributed import TimeoutError as DaskTimeoutError

    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except (DaskTimeoutError, TimeoutError):
        raise ClusterError(
            f"The Dask scheduler at {address} has no workers, so nothing would be computed.\n"
            f"Start some, on this or other machines, with: dask worker {address}"
        ) from None
    found: Any = client.get_versions(packages=_SAME_EVERYWHERE)
    mine = _versions(found["client"])
    for worker, answer in found["workers"].items():
        if (theirs := _versions(answer)) != mine:
            raise ClusterError(
                f"The worker at {worker} has {theirs}; here is {mine}. With other versions "
                f"results may differ, or fail to travel at all.\n"
                f"Install the same lock file on every machine."
            )


def _versions(answer: dict[str, Any]) -> str:
    python = ".".join(answer["host"]["python"].split(".")[:2])
    named = [f"{name} {answer['packages'].get(name) or 'missing'}" for name in _SAME_EVERYWHERE]
    return ", ".join([f"Python {python}", *named])
