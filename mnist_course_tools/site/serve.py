"""Serve the site to a browser on this machine: ``python serve.py``.

A page that was opened as a file may not fetch what it needs; from a server it may. This one is
part of the offline bundle and needs nothing but Python.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import sys
import webbrowser
from pathlib import Path

# What browsers insist on, whatever the system's own table says.
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".ipynb": "application/json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".whl": "application/octet-stream",
    ".gz": "application/gzip",
}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of one folder, with the right types, and not a word in the terminal for each."""

    protocol_version = "HTTP/1.1"  # hundreds of small files: one connection for many of them
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, **_TYPES}  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    """Keeps quiet about pages that were closed before all of them had been sent."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def server(folder: Path, port: int = 0) -> Server:
    """Return a server for this machine only; with port 0 the system chooses a free one."""
    handler = functools.partial(Handler, directory=str(folder))
    return Server(("127.0.0.1", port), handler)


def main() -> None:
    """Serve until Ctrl+C."""
    parser = argparse.ArgumentParser(description="Serve the course to a browser on this machine.")
    here = Path(__file__).parent
    parser.add_argument("folder", nargs="?", type=Path, default=here / "site", help="of the site")
    parser.add_argument("--port", type=int, default=8000, help="8000 unless it is taken")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    chosen = parser.parse_args()
    if not (chosen.folder / "index.html").exists():
        parser.error(f"there is no index.html in {chosen.folder}: name the folder of the site")
    try:
        serving = server(chosen.folder, chosen.port)
    except OSError:
        serving = server(chosen.folder)
    address = f"http://127.0.0.1:{serving.server_port}/"
    print(f"The course is at {address}  (Ctrl+C ends it)", flush=True)
    if not chosen.no_browser:
        webbrowser.open(address)
    with contextlib.suppress(KeyboardInterrupt):
        serving.serve_forever()


if __name__ == "__main__":
    main()
