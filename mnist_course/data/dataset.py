"""The object that every notebook starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnist_course.profiles import get_profile

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Pictures of digits and what they show: training rows first, test rows after them.

    Attributes
    ----------
    images : uint8 array of shape (n, 784), read-only
        One picture a row, 28 rows of 28 pixels each; 0 is paper, 255 is ink. Where possible the
        array is a file on disk mapped into memory, of which only the parts in use are read.
    labels : int64 array of shape (n,), read-only
        The digit each picture shows, 0 to 9.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    n_train: int  # how many of the rows, from the first, are for training
    source: str  # "mnist", "digits" (the embedded stand-in), or "idx"

    @classmethod
    def of(
        cls, images: NDArray[np.uint8], labels: NDArray[np.integer], *, n_train: int, source: str
    ) -> Dataset:
        """Make a data set of read-only views; the arrays stay as writable as they were."""
        # int64, not the uint8 of the files: labels get subtracted, and unsigned bytes wrap around.
        pictures, digits = images.view(), labels.astype(np.int64)
        pictures.setflags(write=False)
        digits.setflags(write=False)
        return cls(pictures, digits, n_train, source)

    @property
    def train(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Training pictures and labels, ``X`` of shape (n_train, 784) and ``y``."""
        return self.images[: self.n_train], self.labels[: self.n_train]

    @property
    def test(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Test pictures and labels, ``X`` of shape (n - n_train, 784) and ``y``."""
        return self.images[self.n_train :], self.labels[self.n_train :]

    def for_profile(self, profile: str | None = None) -> Dataset:
        """Keep the rows that a profile uses: the first of training and the first of test.

        Without a name it is that of ``MNIST_COURSE_PROFILE``, or ``"quick"``, and ``"browser"`` in
        a browser's tab.
        """
        chosen = get_profile(profile)
        n_train = min(self.n_train, chosen.train_rows or self.n_train)
        n_test = min(len(self.labels) - self.n_train, chosen.test_rows or len(self.labels))
        if n_train + n_test == len(self.labels):
            return self
        kept = np.r_[:n_train, self.n_train : self.n_train + n_test]
        return Dataset.of(self.images[kept], self.labels[kept], n_train=n_train, source=self.source)

    def frame(self) -> pd.DataFrame:
        """Return all rows, shape (n, 785), as ``fetch_openml("mnist_784").frame`` would."""
        import pandas as pd

        columns = [f"pixel{number}" for number in range(1, self.images.shape[1] + 1)]
        # Not copied once more: all rows take 440 MB in this form, as long as OpenML has them.
        frame = pd.DataFrame(self.images.astype(np.int64), columns=columns, copy=False)
        frame["class"] = pd.Categorical.from_codes(self.labels, pd.Index(list("0123456789")))
        return frame

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        n_test = len(self) - self.n_train
        return f"Dataset({self.source}: {self.n_train:,} training and {n_test:,} test pictures)"
