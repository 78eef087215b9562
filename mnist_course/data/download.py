"""The public mirrors: pinned sizes and checksums, short patience, the next one on any fault."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pooch
import requests
import urllib3
from tqdm import tqdm

from mnist_course.data.block import Edition, IdxFile
from mnist_course.errors import DataError

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
MIRROR_VARIABLE = "MNIST_COURSE_MIRROR"
CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 10.0  # seconds without a single byte: three silent mirrors take half a minute
# Who gets fewer bytes than this would wait for hours, and the slowest modem sends twice as many.
# With the wait for silence on top it is found out within 30 seconds.
PACE_SECONDS, PACE_BYTES = 20.0, 20_000
_GZIP_MAGIC = b"\x1f\x8b"


def mirrors() -> list[str]:
    """Return the mirrors to ask: the public ones, or those that ``MNIST_COURSE_MIRROR`` lists."""
    own = os.environ.get(MIRROR_VARIABLE, "").split()
    return [address.rstrip("/") + "/" for address in own or MIRRORS]


def download(folder: Path, edition: Edition, addresses: list[str]) -> None:
    """Download the four files, each from the first mirror that has it right; else DataError."""
    usable = list(addresses)
    findings: dict[str, str] = {}
    for file in edition.files:
        while usable:
            try:
                _download_one(usable[0], file, folder)
                break
            except DataError as error:
                # A mirror that fails once is not asked again: the next file would wait as long.
                findings[usable.pop(0)] = f"{file.name}: {error}"
        else:
            raise DataError("\n".join(f"{a} {finding}" for a, finding in findings.items()))


def _download_one(address: str, file: IdxFile, folder: Path) -> None:
    def downloader(url: str, output_file: str, _: object) -> None:
        _stream(url, file, Path(output_file))

    # pooch announces every file on stderr, which in a notebook is a red box.
    pooch.get_logger().setLevel("WARNING")
    url, checksum = address + file.name, f"sha256:{file.sha256}"
    try:
        pooch.retrieve(url, checksum, file.name, path=folder, downloader=downloader)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise DataError(_network_fault(error)) from None
    except OSError as error:
        if error.errno is not None:  # the disk: no other mirror will help
            raise
        # requests says this way that a file with certificates is not where it was named
        raise DataError(f"could not be asked ({error})") from None
    except ValueError:  # pooch: the checksum differs
        raise DataError("sent bytes that are not the file (its checksum differs)") from None


def _stream(url: str, file: IdxFile, path: Path) -> None:
    """Write what a server sends, but no more than the file holds, and not at a snail's pace."""
    options: dict[str, Any] = {
        "headers": {"Accept-Encoding": "identity"},  # the file is packed already
        "timeout": (_connect_timeout(url), READ_TIMEOUT),
        # requests would read the body of a redirect to its end, which may never come.
        "hooks": {"response": lambda answer, **_: answer.close() if answer.is_redirect else None},
    }
    # The bar on stdout: stderr is a red box in a notebook. A second's wait needs no bar at all.
    look = {"file": sys.stdout, "delay": 1, "leave": False, "ncols": 79, "unit": "B"}
    with (
        requests.get(url, stream=True, **options) as response,
        path.open("wb") as output,
        tqdm(desc=file.name, total=file.n_bytes, unit_scale=True, **look) as bar,
    ):
        response.raise_for_status()
        promised = response.headers.get("Content-Length", "")
        _check_size(int(promised) if promised.isdecimal() else 0, file)
        received, counted, since = 0, 0, time.monotonic()
        # read1 gives what has arrived; read would wait for a whole chunk. False: do not unpack.
        while chunk := response.raw.read1(65536, False):
            if not received and chunk.lstrip()[:1] == b"<":
                raise DataError("answered with a web page (a network's login page does this)")
            if not received and not _GZIP_MAGIC.startswith(chunk[:2]):
                raise DataError("answered with something else than the file")
            received += len(chunk)
            _check_size(received, file)
            output.write(chunk)
            bar.update(len(chunk))
            if time.monotonic() - since > PACE_SECONDS:
                got, counted, since = received - counted, received, time.monotonic()
                if got < PACE_BYTES:
                    raise DataError(f"is too slow ({got:,} bytes in {PACE_SECONDS:.0f} s)")


def _connect_timeout(url: str) -> float:
    """Share the time among the machines that a name stands for: all are tried, one by one."""
    if requests.utils.get_environ_proxies(url):  # then it is for the proxy to know the name
        return CONNECT_TIMEOUT
    try:
        machines = socket.getaddrinfo(urlsplit(url).hostname, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DataError("could not be reached (no machine of this name is known)") from None
    return CONNECT_TIMEOUT / min(len(machines), 5)


def _check_size(size: int, file: IdxFile) -> None:
    if size > file.n_bytes:
        raise DataError(f"sends more than the file holds ({file.n_bytes:,} bytes)")


def _network_fault(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered with status {error.response.status_code}"
    if isinstance(error, requests.ConnectTimeout):
        return f"could not be reached within {CONNECT_TIMEOUT:.0f} s"
    if isinstance(error, (requests.Timeout, urllib3.exceptions.ReadTimeoutError)):
        return f"fell silent for {READ_TIMEOUT:.0f} s"
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return "broke off in the middle of the file"
    return "could not be reached"
