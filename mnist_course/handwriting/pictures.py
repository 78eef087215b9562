"""Reading a picture, from wherever it comes, into one array of greys.

Strangers' files are met with care: the size is known from the header before a pixel is decoded,
only formats that Pillow reads itself are tried (one of the others would start a program), and
whatever goes wrong inside comes out as a PictureError in words.
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mnist_course.errors import PictureError

if TYPE_CHECKING:
    from PIL.Image import Image

    Source = str | os.PathLike[str] | bytes | BinaryIO | Image | NDArray[Any]

MOST_PIXELS = 50_000_000  # a telephone's largest; beyond lie mistakes and decompression bombs
LONGEST = 1200  # pixels: more shows the paper's fibres, not the digit, and takes time
_FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "TIFF", "WEBP", "PPM")
_WHITES = (1, 2, 255, 1023, 4095, 16383, 65535)  # what white is called, by the numbers' range
_ADVICE = (
    "Give a path, bytes, a Pillow image, or an array of shape (height, width), "
    "(height, width, 3) or (height, width, 4)."
)


def read_picture(source: Source) -> NDArray[np.uint8]:
    """Read a picture as greys, turned as its EXIF data say, and shrunk if it is very large.

    Parameters
    ----------
    source : path, bytes, binary file, Pillow image, or array
        PNG, JPEG, BMP, GIF (its first frame), TIFF or WebP, of 1 to 16 bits; or an array of shape
        (height, width) or (height, width, channels) that holds truth values, 0 to 1, 0 to 255, or
        up to 16 bits. What is transparent becomes white paper, or black if all ink is light.

    Returns
    -------
    array of shape (height, width), uint8
        0 is black, 255 white; neither side is longer than 1200.

    Raises
    ------
    PictureError
        No such file, a folder, not a picture, damaged, empty, or more than 50 million pixels.
    """
    from PIL.Image import DecompressionBombError, DecompressionBombWarning, Image

    if isinstance(source, np.ndarray):
        return _grey(_from_array(source))
    if isinstance(source, Image):
        name, file = "The image", source
    else:
        name, file = _open(source)
    try:
        with warnings.catch_warnings():  # its own limit warns, then raises; ours comes in between
            warnings.simplefilter("ignore", DecompressionBombWarning)
            return _grey(_decode(file))
    except PictureError:
        raise
    except DecompressionBombError:
        raise _too_large(name) from None
    except Exception as error:  # Pillow's readers raise whatever a damaged byte leads them to
        raise PictureError(
            f"{name} is not a picture that can be read here, or it is damaged ({error}).\n"
            f"PNG, JPEG, WebP, BMP, GIF and TIFF are fine; save others, such as HEIC from a "
            f"telephone, as JPEG, and fetch a damaged file again."
        ) from None


def _open(source: Any) -> tuple[str, Any]:
    """Return a name for messages, and what Pillow can open."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "What the bytes hold", io.BytesIO(source)
    if hasattr(source, "read"):
        return "The file", source
    if not isinstance(source, str | os.PathLike):
        raise PictureError(f"A {type(source).__name__} is not a picture.\n{_ADVICE}")
    path = Path(source)
    try:
        if path.is_file():
            return path.name, path
        what = "is a folder" if path.is_dir() else "is not a file" if path.exists() else ""
    except (OSError, ValueError):  # a name too long, or with a zero byte
        what = ""
    if what:
        raise PictureError(f"{path} {what}, not a picture.\nName one file, such as my_seven.png.")
    raise PictureError(
        f"There is no file {path}.\nLook at the spelling, and where you are: a relative path "
        f"starts from {Path.cwd()}."
    )


def _decode(file: Any) -> Image:
    """Open a file unless it is an image, mind its size, and turn it upright."""
    from PIL import Image, ImageOps

    given = isinstance(file, Image.Image)
    image = file if given else Image.open(file, formats=_FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(f"A picture of {image.width:,} × {image.height:,} pixels")
    if 0 in image.size:
        raise PictureError("The picture is empty: it has no pixels.\nGive one that shows a digit.")
    if not given:
        image.draft("L", (LONGEST, LONGEST))  # a JPEG decodes at half or a quarter for free
    image.load()
    return ImageOps.exif_transpose(image)


def _too_large(what: str) -> PictureError:
    return PictureError(
        f"{what} is too large: more than {MOST_PIXELS:,} pixels.\n"
        f"Cut out the part with the digit, or save it smaller."
    )


def _from_array(array: NDArray[Any]) -> Image:
    from PIL import Image

    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        row = " Make a row of 784 a picture with row.reshape(28, 28)." * (array.shape == (784,))
        raise PictureError(f"An array of shape {array.shape} is not a picture.\n{_ADVICE}{row}")
    if array.size == 0:
        raise PictureError(f"The array is empty: its shape is {array.shape}.\n{_ADVICE}")
    if array.shape[0] * array.shape[1] > MOST_PIXELS:
        raise _too_large(f"An array of shape {array.shape}")
    return Image.fromarray(_to_bytes(array))


def _to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale numbers to 0..255: white is the smallest usual full value that holds them all."""
    if not (array.dtype == bool or np.issubdtype(array.dtype, np.number)):
        raise PictureError(f"An array of {array.dtype} is not a picture.\nIt should hold numbers.")
    if np.iscomplexobj(array) or not np.isfinite(array).all():
        raise PictureError(
            "The array holds values that are no greys (NaN, infinite or complex).\n"
            "Fill the gaps first, for example with numpy.nan_to_num."
        )
    if array.dtype == np.uint8 and array.max() > 2:
        return array
    values = array.astype(np.float32)
    values -= min(0.0, float(values.min()))
    largest = float(values.max())
    white = next((white for white in _WHITES if largest <= white), largest)
    return np.rint(values * (255 / white)).astype(np.uint8)


def _grey(image: Image) -> NDArray[np.uint8]:
    """Make greys of any mode, on paper where it is transparent, no side longer than LONGEST."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # more than 8 bits: convert("L") would cut them off
        image = Image.fromarray(_to_bytes(np.asarray(image)))
    transparent = image.has_transparency_data
    if image.mode == "P" and transparent:
        image = image.convert("RGBA")
    image = image.convert("LA" if transparent else "L")
    scale = LONGEST / max(image.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    if not transparent:
        return np.asarray(image)
    grey, alpha = np.moveaxis(np.asarray(image, dtype=np.float32), 2, 0)
    visible = grey[alpha > 127]
    # White ink on nothing would vanish on white paper; dark ink anywhere tells that it is not so.
    paper = 0 if visible.size and np.percentile(visible, 1) > 127 and alpha.min() < 128 else 255
    return np.rint(paper + (grey - paper) * (alpha / 255)).astype(np.uint8)
