"""How a command ends that somebody stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

INTERRUPTED = 130  # what shells expect of a command that Ctrl-C has ended


@contextmanager
def stoppable(console: Console, more: str = "") -> Iterator[None]:
    """End a command with a plain word when it is stopped by Ctrl-C or by the system.

    Parameters
    ----------
    console : Console
    more : str
        What else the reader wants to know then.
    """
    try:
        yield
    except KeyboardInterrupt:
        words = f"Stopped. Everything that was started has ended. {more}".rstrip()
        console.print(words, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
