"""The course's models, trained once and kept.

A kept model is one file: a line of JSON that says what it was made with, then what skops writes.
To open it runs no code that it brings: skops makes objects of types it knows and of those in
`TRUSTED`, and nothing else. A file that does not fit in any way is passed over, and made anew.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from mnist_course import __version__
from mnist_course.data.block import unfinished
from mnist_course.data.cache import CACHE_VARIABLE, exclusive
from mnist_course.errors import CourseError, notice

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from mnist_course.data import Dataset

TRUSTED = (
    "mnist_course.models.divide",
    "mnist_course.edges.orientations",
    "mnist_course.pair_svc.PairSVC",
    "mnist_course.warp.normalise",
)
_LONGEST_NOTE = 4096  # bytes
_LOCK_LIMIT = 1800.0  # seconds: all models on all rows, on a slow machine that is busy


class KeptModelError(CourseError):
    """A kept model that is not used; the message says what is wrong with it."""


def trained_models(data: Dataset, rows: int, folder: Path, console: Console) -> dict[str, Pipeline]:
    """Return the course's models, trained on the first rows: kept ones, else trained and kept.

    Whatever lies in the folder, models come back; what is wrong with it is said.
    """
    from mnist_course.models import course_models

    wanted = course_models()
    notes = {name: note(name, model, data.source, rows) for name, model in wanted.items()}
    paths = {name: model_path(folder, name, data.source, rows) for name in wanted}
    ready = {name: _kept(paths[name], model, notes[name]) for name, model in wanted.items()}
    if None not in ready.values():
        return ready
    X, y = (part[:rows] for part in data.train)
    with exclusive(folder, "models.lock", "training the models", _LOCK_LIMIT) as obstacle:
        for number, (name, model) in enumerate(wanted.items(), 1):
            if ready[name] is None:  # another process may have trained it meanwhile
                ready[name] = _kept(paths[name], model, notes[name])
            if ready[name] is None:
                which = f"{name} ({number} of {len(wanted)}) on {rows:,} rows"
                ready[name] = _train(model, X, y, which, console, once=not obstacle)
                obstacle = obstacle or _keep(paths[name], model, notes[name], folder)
    if obstacle:
        notice(
            f"the models are not kept in {folder} ({obstacle}), so the next call trains again. "
            f"{CACHE_VARIABLE} can name another folder."
        )
    return ready


def model_path(folder: Path, name: str, source: str, rows: int) -> Path:
    """Return where a model is kept: each source and number of rows has a folder of its own."""
    return folder / f"{source}-{rows}" / f"{name.replace(' ', '-').lower()}.skops"


def note(name: str, model: Pipeline, source: str, rows: int) -> dict[str, Any]:
    """Return all that a kept model has to agree in, to be used."""
    import numpy
    import sklearn

    return {
        "mnist-course": __version__,
        "scikit-learn": sklearn.__version__,
        "numpy": numpy.__version__,
        "model": name,
        "source": source,
        "rows": rows,
        "definition": _fingerprint(model),
    }


def _fingerprint(model: Pipeline) -> str:
    from mnist_course import edges, models, pair_svc, warp

    modules = (models, edges, pair_svc, warp)
    texts = [_definition(model), *(inspect.getsource(module) for module in modules)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _definition(model: Pipeline) -> str:
    """Write a pipeline's steps and settings in words; its repr would hold memory addresses."""

    def named(value: Any) -> str:
        known_by_name = value if callable(value) else type(value)
        plain = not callable(value) and not hasattr(value, "get_params")
        return repr(value) if plain else f"{known_by_name.__module__}.{known_by_name.__qualname__}"

    settings = model.get_params()
    steps = [name for name, _ in settings.pop("steps")]
    return f"{steps} {sorted((name, named(value)) for name, value in settings.items())}"


def _kept(path: Path, model: Pipeline, wanted: dict[str, Any]) -> Pipeline | None:
    """Return a model that is kept and fits; else None, and say what is wrong if there is one."""
    try:
        return open_model(path, model, wanted)
    except KeptModelError as error:
        notice(f"{path} {error}. The model is trained anew.")
        return None


def open_model(path: Path, model: Pipeline, wanted: dict[str, Any]) -> Pipeline | None:
    """Open a kept model; None if there is none, KeptModelError if anything about it is wrong.

    Parameters
    ----------
    path : Path
    model : Pipeline
        The unfitted one that the file has to hold.
    wanted : dict
        The `note` that the file has to begin with.
    """
    try:
        with path.open("rb") as file:
            first, dump = file.readline(_LONGEST_NOTE), file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeptModelError(f"cannot be read ({error.strerror or error})") from None
    try:
        found = dict(json.loads(first))
    except (ValueError, TypeError, RecursionError):
        raise KeptModelError("does not begin as a model of the course") from None
    checksum = found.pop("sha256", None)
    for name, value in wanted.items():
        if found.get(name) != value:
            other = repr(found.get(name))[:40]
            raise KeptModelError(f"was made with another {name}: {other}, not {value!r}")
    if hashlib.sha256(dump).hexdigest() != checksum:
        raise KeptModelError("is damaged: its checksum differs")
    return _load(dump, model)


def _load(dump: bytes, model: Pipeline) -> Pipeline:
    """Make a model of what skops wrote, or of what a stranger did: the checksum may be his too."""
    from zipfile import ZipFile

    import numpy as np
    from skops.io import get_untrusted_types, loads

    try:
        with ZipFile(io.BytesIO(dump)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > len(dump):
                raise KeptModelError("would unpack to more than it is")
        strange = sorted(set(get_untrusted_types(data=dump)) - set(TRUSTED))
        if strange:
            names = repr(", ".join(strange))[:200]
            raise KeptModelError(f"asks for what no model of the course holds: {names}")
        kept = loads(dump, trusted=TRUSTED)
        if type(kept) is not type(model) or _definition(kept) != _definition(model):
            raise KeptModelError("holds another model than its name says")
        blank = kept.predict_proba(np.zeros((1, 784), dtype=np.uint8))
        if blank.shape != (1, 10) or not np.isfinite(blank).all():
            raise KeptModelError("does not answer as a model of the course does")
    except KeptModelError:
        raise
    except Exception as error:  # whatever a file that somebody else wrote leads skops to
        raise KeptModelError(f"holds no model that can be opened ({error!r:.200})") from None
    return kept


def _train(
    model: Pipeline, X: NDArray, y: NDArray, which: str, console: Console, *, once: bool
) -> Pipeline:
    """Fit a model and show that it goes on, in a terminal by a bar, in a log by lines."""
    words = f"training {which}{', once' if once else ''}"
    start = time.monotonic()
    if console.is_terminal:
        bar = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*bar, console=console, transient=True) as progress:
            progress.add_task(words, total=None)
            _fit(model, X, y)
    else:
        console.print(words, soft_wrap=True)
        _fit(model, X, y)
    console.print(f"trained {which} in {time.monotonic() - start:.1f} s", soft_wrap=True)
    return model


def _fit(model: Pipeline, X: NDArray, y: NDArray) -> None:
    """Fit in a thread: SVC hears no Ctrl-C for minutes, and the command shall end at once."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            model.fit(X, y)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)  # without a limit, Windows would hear nothing either
    if failures:
        raise failures[0]


def _keep(path: Path, model: Pipeline, made_with: dict[str, Any], folder: Path) -> str:
    """Write a model down; return "", or why it could not be."""
    from skops.io import dumps

    try:
        write_model(path, dumps(model), made_with, folder)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def write_model(path: Path, dump: bytes, made_with: dict[str, Any], folder: Path) -> None:
    """Write note and model beside their place, then move them there in one step, or nothing."""
    first = json.dumps({**made_with, "sha256": hashlib.sha256(dump).hexdigest()})
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(folder) as place:
        temporary = Path(place) / path.name
        with temporary.open("wb") as file:
            file.write(first.encode() + b"\n")
            file.write(dump)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # a shared folder wants this, whatever the owner's habits are
        temporary.replace(path)
