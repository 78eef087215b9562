"""Keep a test away from the reader's own files and from the internet."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

_LOCAL = {None, "", "localhost", "127.0.0.1", "::1"}


def isolate(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Give a test a home, a cache and a temporary folder of its own, and no internet.

    Child processes inherit all but the last; they call `no_names_but_local` themselves.
    """
    from mnist_course import errors

    for name in list(os.environ):
        if name.startswith("MNIST_COURSE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    homes = ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME", "SCIKIT_LEARN_DATA")
    for name in homes:
        monkeypatch.setenv(name, str(folder / "home"))
    monkeypatch.setenv("MNIST_COURSE_CACHE", str(folder / "cache"))
    # Proxies of the system's settings, too, would come between a test and its server.
    monkeypatch.setenv("NO_PROXY", "*")
    temporary = folder / "temporary"
    temporary.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(socket, "getaddrinfo", _refuse_strangers(socket.getaddrinfo))
    monkeypatch.setattr(errors, "said", set())


def no_names_but_local() -> None:
    """Make every host name but this machine's unknown, at once and for good."""
    socket.getaddrinfo = _refuse_strangers(socket.getaddrinfo)


def _refuse_strangers(real: Any) -> Any:
    def getaddrinfo(host: str | None, *args: Any, **kwargs: Any) -> Any:
        if host in _LOCAL:
            return real(host, *args, **kwargs)
        # What a machine without a network says, minus its time for thinking.
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    return getaddrinfo
