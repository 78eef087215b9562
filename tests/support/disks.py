"""Disks that are really full and folders that are really read-only."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, *, kilobytes: int) -> Iterator[None]:
    """Put a file system of a given size at a folder, or skip the test and say why not."""
    if not _is_linux_root():
        pytest.skip("a small disk can be mounted by root on Linux only")
    folder.mkdir(parents=True, exist_ok=True)
    with _mounted(["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], folder):
        yield


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder and what it holds read-only, or skip the test and say why not.

    Rights do not stop root, who gets a read-only file system instead.
    """
    if os.name != "posix":
        pytest.skip("a folder cannot be made read-only with chmod on this system")
    if _is_linux_root():
        with _mounted(["--bind", str(folder), str(folder)], folder):
            _mount(["-o", "remount,ro,bind", str(folder)])
            yield
    elif os.geteuid() == 0:
        pytest.skip("root may write everywhere, and only Linux can mount a folder read-only")
    else:
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(0o755)


def _is_linux_root() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


@contextlib.contextmanager
def _mounted(arguments: list[str], folder: Path) -> Iterator[None]:
    _mount(arguments)
    try:
        yield
    finally:
        # Lazily: a file of the folder may still be mapped into memory.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(arguments: list[str]) -> None:
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this container's root may not mount file systems ({error})")
