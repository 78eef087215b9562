"""The public mirrors, through pooch: pinned checksums, short patience, the next on any fault."""

from __future__ import annotations

import os
from pathlib import Path

import pooch
import requests

from mnist_course.data.block import MIRRORS, Edition, IdxFile
from mnist_course.errors import DataError

MIRROR_VARIABLE = "MNIST_COURSE_MIRROR"
CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 15.0  # seconds without a single byte
_CHUNK = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"


def mirrors() -> tuple[str, ...]:
    """Return the mirrors to ask, in order: those of ``MNIST_COURSE_MIRROR``, else the public ones.

    A teacher who serves the four files to a classroom sets the variable to that address;
    several are separated by spaces.
    """
    own = os.environ.get(MIRROR_VARIABLE, "").split()
    return tuple(address.rstrip("/") + "/" for address in own) or MIRRORS


def download(folder: Path, edition: Edition, addresses: tuple[str, ...]) -> None:
    """Download the four files into a folder, each from the first mirror that has it right.

    Parameters
    ----------
    folder : Path
        Exists and can be written.
    edition : Edition
    addresses : tuple of str
        Base addresses, each ending in a slash.

    Raises
    ------
    DataError
        If a file cannot be had from any mirror; the message has a line for each of them.
    OSError
        If the disk is full or the folder cannot be written.
    """
    # pooch announces every file on stderr, which in a notebook is a red box.
    pooch.get_logger().setLevel("WARNING")
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


class _GzipDownloader(pooch.HTTPDownloader):
    """Download over HTTP, and tell a web page from the file that was asked for."""

    def __call__(self, url: str, output_file: str, *args, **kwargs) -> None:
        super().__call__(url, output_file, *args, **kwargs)
        with Path(output_file).open("rb") as file:
            start = file.read(64)
        if start.lstrip()[:1] == b"<":
            raise DataError("answered with a web page (a network's login page does this)")
        if start[:2] != _GZIP_MAGIC:
            raise DataError("answered with something else than the file")


def _download_one(address: str, file: IdxFile, folder: Path) -> None:
    downloader = _GzipDownloader(
        progressbar=True, timeout=(CONNECT_TIMEOUT, READ_TIMEOUT), chunk_size=_CHUNK
    )
    try:
        pooch.retrieve(
            address + file.name,
            known_hash=f"sha256:{file.sha256}",
            fname=file.name,
            path=folder,
            downloader=downloader,
        )
    except requests.RequestException as error:
        raise DataError(_network_fault(error)) from None
    except OSError as error:
        if error.errno is not None:  # the disk: no other mirror will help
            raise
        # requests says this way that a file with certificates is not where it was named
        raise DataError(f"could not be asked ({error})") from None
    except ValueError:  # pooch: the checksum differs
        raise DataError("sent bytes that are not the file (its checksum differs)") from None


def _network_fault(error: requests.RequestException) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered with status {error.response.status_code}"
    if isinstance(error, requests.ConnectTimeout):
        return f"could not be reached within {CONNECT_TIMEOUT:.0f} s"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"fell silent for {READ_TIMEOUT:.0f} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "broke off in the middle of the file"
    return "could not be reached"
