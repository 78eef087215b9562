"""Real HTTP servers on this machine, well-behaved and not."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

LOGIN_PAGE = b"<!DOCTYPE html>\n<html><body>Welcome! Accept the terms to go online.</body></html>"
# Seconds. Were a client to wait without end, its test should fail one day and not hang.
_FOR_EVER = 60


class Handler(BaseHTTPRequestHandler):
    """One request: a behaviour decides what becomes of it."""

    server: Server

    def do_GET(self) -> None:
        with self.server.guard:
            self.server.counts[self.file_name] += 1
        # A client that lost patience, or was killed, closes the connection: that is the test.
        with contextlib.suppress(ConnectionError):
            self.server.behaviour(self)

    @property
    def file_name(self) -> str:
        """The last part of the path that was asked for."""
        return PurePosixPath(urlsplit(self.path).path).name

    def start(self, length: int, *, status: int = 200, **headers: str) -> None:
        """Send the status line and the headers."""
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def answer(self, content: bytes, *, status: int = 200, **headers: str) -> None:
        """Send a whole answer."""
        self.start(len(content), status=status, **headers)
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass  # silence: the test's own words are what counts


Behaviour = Callable[[Handler], None]


class Server(ThreadingHTTPServer):
    """A server on a free port of this machine.

    Attributes
    ----------
    counts : Counter
        How often each file name was asked for.
    sent : int
        Bytes that endless behaviours have got rid of.
    stalled : threading.Event
        Set once a stalling behaviour has fallen silent.
    over : threading.Event
        Set when the test is over: then silent connections end.
    """

    daemon_threads = True
    # 40 processes may knock at the same moment.
    request_queue_size = 128

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.counts: Counter[str] = Counter()
        self.sent = 0
        self.guard = threading.Lock()
        self.stalled = threading.Event()
        self.over = threading.Event()

    @property
    def address(self) -> str:
        """Base address, with a slash at its end."""
        return f"http://127.0.0.1:{self.server_port}/"


@contextlib.contextmanager
def serve(behaviour: Behaviour) -> Iterator[Server]:
    """Run a server for the length of a ``with`` block."""
    server = Server(behaviour)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def refused_address() -> str:
    """Return an address on this machine where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


def files(folder: Path, *, pause: float = 0.0) -> Behaviour:
    """Serve the files of a folder, each after a pause of so many seconds."""

    def behave(request: Handler) -> None:
        path = folder / request.file_name
        if not path.is_file():
            request.answer(b"no such file", status=404)
            return
        time.sleep(pause)
        request.answer(path.read_bytes())

    return behave


def status(code: int) -> Behaviour:
    """Answer everything with a status, such as 404."""
    return lambda request: request.answer(b"sorry", status=code)


def login_page(request: Handler) -> None:
    """Answer everything with a web page and status 200, as the network of a hotel does."""
    request.answer(LOGIN_PAGE, Content_Type="text/html")


def plain_words(request: Handler) -> None:
    """Answer everything with a line of text and status 200."""
    request.answer(b"all is well")


def wrong_bytes(request: Handler) -> None:
    """Answer everything with a sound gzip file that holds something else."""
    request.answer(gzip.compress(b"another file altogether", mtime=0))


def truncated(folder: Path) -> Behaviour:
    """Promise the whole file, send half of it and close the connection."""

    def behave(request: Handler) -> None:
        content = (folder / request.file_name).read_bytes()
        request.start(len(content))
        request.wfile.write(content[: len(content) // 2])

    return behave


def stalling(folder: Path) -> Behaviour:
    """Send the headers and half of the file, then nothing more, and keep the connection open."""

    def behave(request: Handler) -> None:
        content = (folder / request.file_name).read_bytes()
        request.start(len(content))
        request.wfile.write(content[: len(content) // 2])
        request.wfile.flush()
        request.server.stalled.set()
        request.server.over.wait(_FOR_EVER)

    return behave


def silent(request: Handler) -> None:
    """Take the request and never answer."""
    request.server.stalled.set()
    request.server.over.wait(_FOR_EVER)


def steady(folder: Path, *, pieces: int, pause: float) -> Behaviour:
    """Serve the files of a folder in small pieces, with a pause after each."""

    def behave(request: Handler) -> None:
        content = (folder / request.file_name).read_bytes()
        step = -(-len(content) // pieces)
        request.start(len(content))
        for start in range(0, len(content), step):
            request.wfile.write(content[start : start + step])
            request.wfile.flush()
            time.sleep(pause)

    return behave


def dripping(folder: Path) -> Behaviour:
    """Promise the whole file, and send it at 400 bytes a second."""
    return steady(folder, pieces=1000, pause=0.02)


def endless(request: Handler) -> None:
    """Send a gzip file that never ends, and say nothing of its size."""
    request.send_response(200)
    request.end_headers()
    _send_for_ever(request)


def endless_chunked(request: Handler) -> None:
    """Send a gzip file that never ends, in the form made for answers of unknown size."""
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    _send_for_ever(request, b"10000\r\n%s\r\n")


def announcing_more(request: Handler) -> None:
    """Announce a terabyte, and keep the client waiting for it."""
    request.start(10**12)
    request.server.over.wait(_FOR_EVER)


def endless_redirect(folder: Path) -> Behaviour:
    """Redirect to the right file, with a body that never ends."""

    def behave(request: Handler) -> None:
        if request.path.startswith("/right/"):
            files(folder)(request)
            return
        request.send_response(302)
        request.send_header("Location", f"/right/{request.file_name}")
        request.end_headers()
        _send_for_ever(request)

    return behave


def _send_for_ever(request: Handler, form: bytes = b"%s") -> None:
    piece = form % b"\x1f\x8b".ljust(1 << 16, b"\0")
    # Were a client to take it all, its test should fail one day and not hang.
    while request.server.sent < 200e6:
        request.wfile.write(piece)
        request.server.sent += len(piece)
