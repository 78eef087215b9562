"""The last road: scikit-learn's `fetch_openml`, with the result checked to the last bit."""

from __future__ import annotations

import contextlib
import socket
import warnings
from collections.abc import Iterator
from urllib.error import HTTPError, URLError

import numpy as np
from numpy.typing import NDArray

from mnist_course.data.edition import Edition, make_block
from mnist_course.errors import DataError

TIMEOUT = 10.0  # seconds; fetch_openml itself would wait for ever


def fetch_block(edition: Edition) -> NDArray[np.uint8]:
    """Fetch MNIST from OpenML, or from scikit-learn's own cache if it is there.

    Returns
    -------
    uint8 array of shape (n * 785,)

    Raises
    ------
    DataError
        If OpenML cannot be reached, or what it sends is not this edition.
    """
    from sklearn.datasets import fetch_openml

    try:
        with _socket_timeout(TIMEOUT), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # retries are announced; the outcome is what counts
            bunch = fetch_openml(
                "mnist_784", version=1, as_frame=False, n_retries=1, delay=0.5, parser="pandas"
            )
        images, labels = bunch.data.astype(np.uint8), bunch.target.astype(np.uint8)
    except Exception as error:
        # fetch_openml lets through whatever its parsers raise: any of it means "not this road".
        raise DataError(_in_plain_words(error)) from None
    block = make_block(images, labels)
    if not edition.is_block(block):
        raise DataError("sent rows that are not MNIST's (their checksum differs)")
    return block


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _in_plain_words(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"answered with status {error.code}"
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return f"fell silent for {TIMEOUT:.0f} s"
    if isinstance(error, URLError):
        return "could not be reached"
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"could not be used ({first_line[:120]})"
