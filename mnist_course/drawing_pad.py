"""A pad to draw a digit on: after each stroke every model says what it sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from anywidget import AnyWidget
from numpy.typing import NDArray
from traitlets import Bool, CBytes, Int, List, Unicode, observe, validate

from mnist_course.errors import CourseError, UsageError
from mnist_course.geometry import SIDE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mnist_course.handwriting.pictures import Source

SHEET = 280  # pixels along each side of what is drawn on
# MNIST's strokes are about an eighth as thick as a digit is high, and a digit that is drawn
# with ease fills two thirds of the sheet.
BRUSH = 22
_FINER = 4  # times finer than the sheet are the strokes drawn, for soft edges
_ROW = 5  # parts of the still picture side by side
_FRONT_END = Path(__file__).with_name("front_end")
_EMPTY = "Nothing is drawn yet: draw one digit, large and in the middle."
_ALT = "A drawing, the 28 × 28 pixels that the models see, and each model's answer."


class DrawingPad(AnyWidget):
    """A pad to draw a digit on, which asks models after each stroke.

    Where widgets do not run (a page on GitHub, a notebook opened without its kernel), a still
    picture of the drawing and the answers takes the pad's place. Colab shows such widgets after
    ``google.colab.output.enable_custom_widget_manager()``, which anywidget calls there; call it
    yourself if the pad does not appear.

    Parameters
    ----------
    models : mapping, optional
        From a name to a fitted classifier with ``predict_proba`` or ``decision_function``, or to
        a callable that returns one number for each label. Each is given a float32 array of shape
        (1, 784) with values 0 to 255, as `load_mnist` has them. Nearest neighbours among many
        rows answer without delay if they were fitted on float32 too.
    labels : iterable, default=range(10)
        What the models may answer.

    Attributes
    ----------
    strokes : list
        One list of points [x, y] for each stroke, 0 to 280 from the left and from the top. Setting
        it draws.
    answers : list of dict
        For each model its name as ``model``, the label it chose as ``answer``, and ``shares``, one
        for each label. ``kind`` says what they are: a probability, or a share of the scores, which
        looks like one and promises less. ``error`` is for a model that failed.
    words : str
        The answers as a sentence, or why there are none.

    Examples
    --------
    >>> pad = DrawingPad({"always a seven": lambda pixels: [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]})
    >>> pad.strokes = [[[90, 60], [190, 60], [130, 220]]]
    >>> pad.words
    'always a seven: 7 (probability 100 %).'
    """

    _esm = _FRONT_END / "drawing_pad.js"
    _css = _FRONT_END / "drawing_pad.css"
    _sheet = Int(SHEET).tag(sync=True)
    _brush = Int(BRUSH).tag(sync=True)
    _has_still = Bool().tag(sync=True)
    labels = List(Unicode()).tag(sync=True)
    strokes: List[Any] = List().tag(sync=True)
    loaded = CBytes().tag(sync=True)  # a picture from a file, in MNIST's form; never with strokes
    seen = CBytes().tag(sync=True)  # what the models see: 784 bytes, or none
    answers: List[Any] = List().tag(sync=True)
    words = Unicode().tag(sync=True)

    def __init__(
        self, models: Mapping[str, Any] | None = None, labels: Iterable[Any] = range(10)
    ) -> None:
        self.models = dict(models or {})
        self._stills: list[Any] = []
        self._alt, self._watched, self._asked = _ALT, False, None
        super().__init__(labels=[str(label) for label in labels])
        self.on_msg(self._hear)
        self._answer()

    @property
    def raw(self) -> NDArray[np.uint8]:
        """The sheet, 280 × 280: ink is bright, background is 0."""
        from PIL import Image, ImageDraw

        if self.loaded:
            return np.kron(_square(self.loaded), np.ones([SHEET // SIDE] * 2, np.uint8))
        sheet = Image.new("L", [SHEET * _FINER] * 2)
        draw, radius = ImageDraw.Draw(sheet), BRUSH * _FINER / 2
        for stroke in self.strokes:
            points = [(x * _FINER, y * _FINER) for x, y in stroke]
            if len(points) > 1:
                draw.line(points, fill=255, width=round(2 * radius))
            for x, y in points:  # round ends and joints
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        return np.asarray(sheet.reduce(_FINER))

    @property
    def image(self) -> NDArray[np.uint8]:
        """The drawing in MNIST's form, 28 × 28; CourseError if there is none."""
        from mnist_course.handwriting import Steps, to_mnist

        if self.loaded:
            return _square(self.loaded)
        raw = self.raw
        if not raw.any():
            raise CourseError(_EMPTY)
        # Dark ink on a sheet without lines: nothing to find out, which takes most of the time.
        return to_mnist(255 - raw, Steps(polarity=False, lines=False))

    def load(self, picture: Source) -> None:
        """Put a picture in the place of what is drawn, as `to_mnist` makes it from a file.

        A picture that holds no digit leaves everything as it is and is a CourseError.
        """
        from mnist_course.handwriting import to_mnist

        formed = to_mnist(picture).tobytes()
        with self.hold_trait_notifications():
            self.strokes, self.loaded = [], formed

    def show(self, alt: str | None = None) -> None:
        """Show the pad, and leave a still picture for whoever reads without a kernel.

        Parameters
        ----------
        alt : str, optional
            What is to be seen, for those who do not see; the answers are added to it.
        """
        from IPython.display import display

        self._alt = alt or self._alt
        self._has_still = True
        bundle = self._repr_mimebundle_()
        assert bundle is not None  # only a widget that has no view makes none
        view, about = bundle
        display({**view, "text/plain": ""}, metadata=about, raw=True)
        data, metadata = self._still(small=True)
        self._stills.append(display(data, metadata=metadata, raw=True, display_id=True))

    def _ipython_display_(self) -> None:
        self.show()

    def figure(self) -> Figure:
        """Draw the sheet, what the models see, and their answers side by side."""
        from textwrap import fill

        from matplotlib import pyplot as plt

        from mnist_course.plots import BLUE, GREY

        parts = 2 + len(self.answers)
        rows = -(-parts // _ROW)
        columns = -(-parts // rows)
        fig, grid = plt.subplots(rows, columns, figsize=(2.3 * columns, 2.9 * rows))
        for spare in grid.flat[parts:]:
            spare.remove()
        axes = grid.flat[:parts]
        seen = _square(self.seen) if self.seen else np.zeros((SIDE, SIDE))
        pictures = ("The drawing", self.raw, "auto"), ("What the models see", seen, "nearest")
        for ax, (title, picture, way) in zip(axes[:2], pictures, strict=True):
            ax.imshow(picture, cmap="binary", vmin=0, vmax=255, interpolation=way)
            ax.set_title(f"{title}\n", fontsize="medium")
            ax.set(xticks=[], yticks=[])
        for ax, answer in zip(axes[2:], self.answers, strict=True):
            ax.set_title(f"{answer['model']}\n{answer['says']}", fontsize="medium")
            ax.set(xlim=(0, 1), xticks=[0, 0.5, 1], xlabel=answer["kind"] or "probability")
            ax.set(ylim=(len(self.labels) - 0.5, -0.5), yticks=range(len(self.labels)))
            ax.set_yticklabels(self.labels)
            if answer["shares"]:
                chosen = [label == answer["answer"] for label in self.labels]
                colours = [BLUE if one else GREY for one in chosen]
                ax.barh(range(len(chosen)), answer["shares"], color=colours, height=0.7)
                ax.get_yticklabels()[chosen.index(True)].set_fontweight("bold")
            ax.text(0.03, 0, fill(answer["error"], 24), va="top", fontsize="small")
            ax.spines[["top", "right"]].set_visible(False)
        fig.tight_layout()
        return fig

    @validate("strokes")
    def _as_points(self, proposal: Mapping[str, Any]) -> list[list[list[float]]]:
        """Return strokes as lists of numbers, or say that they are none."""
        try:
            strokes = [np.asarray(one, float).reshape(-1, 2) for one in proposal["value"]]
            if not all(len(one) and np.isfinite(one).all() for one in strokes):
                raise ValueError
        except (TypeError, ValueError):
            raise UsageError(
                "These are no strokes, so nothing was drawn. A stroke is a list of points [x, y], "
                f"0 to {SHEET}, and strokes are a list of them, such as [[[140, 40], [140, 240]]]."
            ) from None
        # To the page's own precision: what differs would be sent back, and undo there what was
        # drawn meanwhile.
        return [one.round(1).tolist() for one in strokes]

    @observe("strokes", "loaded")
    def _answer(self, change: Mapping[str, Any] | None = None) -> None:
        """Ask the models and tell the page, in one message."""
        if change and change["name"] == "strokes" and self.strokes and self.loaded:
            self.loaded = b""  # comes back here
        if self._asked == (self.strokes, self.loaded):
            return
        self._asked = self.strokes, self.loaded
        pixels, why_not = None, ""
        try:
            pixels = self.image
        except CourseError as error:
            why_not = _one_line(error)
        answers = [_ask(name, model, pixels, self.labels) for name, model in self.models.items()]
        said = [f"{one['model']}: {one['says']}." for one in answers if one["says"]]
        with self.hold_sync():
            self.seen = b"" if pixels is None else pixels.tobytes()
            self.answers = answers
            self.words = why_not or " ".join(said) or "There is no model to ask."
        if not self._watched:  # a page asks for it when the hand rests
            self._renew_stills()

    def _hear(self, _widget: object, message: Mapping[str, Any], buffers: list[Any]) -> None:
        """Do what the page asks for."""
        match message.get("kind"):
            case "here":
                self._watched = True
                self.send({"kind": "here"})
            case "still":
                self._renew_stills()
            case "picture":
                try:
                    self.load(bytes(buffers[0]))
                except CourseError as error:
                    self.words = _one_line(error)
                except Exception as error:  # a file may hold anything
                    self.words = f"This file could not be read: {type(error).__name__}: {error}"

    def _renew_stills(self) -> None:
        if shown := [handle for handle in self._stills if handle]:
            data, metadata = self._still(small=False)
            for handle in shown:
                handle.update(data, metadata=metadata, raw=True)

    def _still(self, *, small: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        from mnist_course.display import png_output, to_png

        return png_output(to_png(self.figure(), small=small), f"{self._alt} {self.words}")


def _ask(
    name: str, model: Any, pixels: NDArray[np.uint8] | None, labels: list[str]
) -> dict[str, Any]:
    """Return what a model says to a picture: all that page and still picture show of it."""
    answer = {"model": name, "answer": "", "kind": "", "shares": [], "percents": [], "error": ""}
    if pixels is None:
        return {**answer, "says": ""}
    try:
        kind, shares = _shares(model, pixels.reshape(1, -1).astype(np.float32), labels)
    except Exception as error:  # a reader's own model may raise anything
        return {**answer, "error": f"{type(error).__name__}: {error}", "says": "no answer"}
    best, percents = int(shares.argmax()), [_percent(share) for share in shares]
    return {
        **answer,
        **{"answer": labels[best], "kind": kind, "shares": shares.tolist(), "percents": percents},
        "says": f"{labels[best]} ({kind} {percents[best]})",
    }


def _shares(model: Any, pixels: NDArray[Any], labels: list[str]) -> tuple[str, NDArray[Any]]:
    """Return one number for each label, 1 in all, and what these numbers are."""
    names = [str(label) for label in getattr(model, "classes_", labels)]
    sure = hasattr(model, "predict_proba")
    ask = model.predict_proba if sure else getattr(model, "decision_function", model)
    values = np.asarray(ask(pixels), float).reshape(-1)
    if len(values) == 1 and len(names) == 2:  # the score of the second of two classes
        values = np.array([0, values[0]])
    if len(values) != len(names) or not np.isfinite(values).all():
        raise UsageError(f"{len(names)} finite numbers were expected, one for each label.")
    if unknown := set(names) - set(labels):
        raise UsageError(f"It knows classes that are not among the labels: {sorted(unknown)}.")
    if ask is model:  # a function: its numbers have to speak for themselves
        sure = values.min() >= 0 and abs(values.sum() - 1) < 1e-3
    kind = getattr(model, "_final_estimator", model)  # of a pipeline
    kind = getattr(kind, "shares_of", "probability") if sure else "score share"
    if not sure:
        values = np.exp(values - values.max())
        values /= values.sum()
    found = dict(zip(names, values, strict=True))
    return kind, np.array([found.get(label, 0.0) for label in labels])


def _percent(share: float) -> str:
    """Write a share as people say it, and call nothing certain that is not."""
    return "> 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _square(pixels: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE)
