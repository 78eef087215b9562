"""Getting MNIST, from wherever it can be had, checked to the last bit."""

from mnist_course.data.csv_form import load_csv
from mnist_course.data.dataset import Dataset
from mnist_course.data.idx import load_idx
from mnist_course.data.load import load_mnist

__all__ = ["Dataset", "load_csv", "load_idx", "load_mnist"]
