"""Getting MNIST, from wherever it can be had, checked to the last bit."""

from mnist_course.data.dataset import Dataset
from mnist_course.data.idx import load_idx
from mnist_course.data.load import load_mnist

__all__ = ["Dataset", "load_idx", "load_mnist"]
