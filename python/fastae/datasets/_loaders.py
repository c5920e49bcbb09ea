"""Real data sets: heartbeats and small pictures."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch

from fastae.datasets import _sources
from fastae.datasets._idx import read_idx

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

N_ECG_POINTS = 210
N_PIXELS = 28 * 28
N_CLASSES = 10
PICTURE_KEYS = ("x_train", "y_train", "x_test", "y_test")

ECG_DESCR = """\
Heartbeats of a real electrocardiogram, known from H2O's anomaly detection examples. `train`
has 20 good beats of 210 points each, `test` the same 20 and 3 bad ones (rows 20, 21, 22).
"""
MNIST_DESCR = """\
MNIST: handwritten digits, grey pictures of 28 x 28 pixels, one per row (LeCun, Cortes, Burges).
"""
FASHION_MNIST_DESCR = """\
Fashion-MNIST: articles of clothing, grey pictures of 28 x 28 pixels, one per row. H. Xiao,
K. Rasul, R. Vollgraf: "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", arXiv:1708.07747, 2017.
"""


def load_ecg(*, record: bool = False) -> Bunch:
    """Load 20 good and 3 bad heartbeats of a real electrocardiogram.

    The files are taken from ``ecg/`` in the folder that the environment variable FASTAE_DATA
    names, else from the cache (FASTAE_CACHE, or the system's usual place), else downloaded to
    the cache (needs ``fastae[data]``).

    Parameters
    ----------
    record : bool, default=False
        Whether to load also the long record from which the beats are taken.

    Returns
    -------
    ecg : :class:`~sklearn.utils.Bunch`
        train : ndarray of shape (20, 210)
            Good beats.
        test : ndarray of shape (23, 210)
            The same good beats, then three bad ones.
        target : ndarray of shape (23,)
            1 for the good beats of `test`, -1 for the bad ones.
        feature_names : list of str
            "t0", "t1", ...: the names of the columns.
        record : ndarray of shape (n_windows, 210)
            The record, cut into windows that follow each other without a gap; the first 23
            are `test`. Only if asked for.
        DESCR : str
            Description of the data set.

    Raises
    ------
    FileNotFoundError
        If the data set is neither on this machine nor to be had from its home.
    ValueError
        If a file in FASTAE_DATA is damaged.

    Examples
    --------
    >>> from fastae.datasets import load_ecg
    >>> ecg = load_ecg()
    >>> ecg.train.shape, ecg.test.shape
    ((20, 210), (23, 210))
    >>> ecg.target[-5:]
    array([ 1,  1, -1, -1, -1])
    """
    train_path, test_path = _find(_sources.ECG)
    ecg = Bunch(
        train=_read_csv(train_path, n_rows=20),
        test=_read_csv(test_path, n_rows=23),
        target=np.repeat([1, -1], [20, 3]),
        feature_names=[f"t{j}" for j in range(N_ECG_POINTS)],
        DESCR=ECG_DESCR,
    )
    if record:
        (record_path,) = _find(_sources.ECG_RECORD)
        ecg.record = _read_csv(record_path)
    return ecg


def load_mnist() -> Bunch:
    """Load the MNIST handwritten digits.

    The pictures are taken from ``mnist/mnist_20k.npz`` in the folder that the environment
    variable FASTAE_DATA names, else from the cache (FASTAE_CACHE, or the system's usual
    place), else downloaded to the cache (12 MB, needs ``fastae[data]``).

    Returns
    -------
    mnist : :class:`~sklearn.utils.Bunch`
        x_train : ndarray of shape (n_train, 784), dtype uint8
            Pictures, row by row, 0 = background.
        y_train : ndarray of shape (n_train,), dtype uint8
            The digits they show.
        x_test : ndarray of shape (10000, 784), dtype uint8
            Pictures to test with.
        y_test : ndarray of shape (10000,), dtype uint8
            What they show.
        target_names : list of str
            The names of the classes.
        DESCR : str
            Description of the data set.

    Raises
    ------
    FileNotFoundError
        If the data set is neither on this machine nor to be had from its homes.
    ValueError
        If the file in FASTAE_DATA is damaged.

    Notes
    -----
    The two sources differ: the download has the 60,000 training pictures in their original,
    mixed order; the file in FASTAE_DATA has 10,000 of them, ordered by digit. The 10,000 test
    pictures are the same.

    Examples
    --------
    >>> from fastae.datasets import load_mnist
    >>> load_mnist().x_test.shape
    (10000, 784)
    """
    names = [str(digit) for digit in range(N_CLASSES)]
    return _load_pictures(_sources.MNIST, names, MNIST_DESCR)


def load_fashion_mnist() -> Bunch:
    """Load the Fashion-MNIST pictures of clothing.

    The pictures are taken from ``fashion-mnist/fashion_mnist.npz`` in the folder that the
    environment variable FASTAE_DATA names, else from the cache (FASTAE_CACHE, or the system's
    usual place), else downloaded to the cache (31 MB, needs ``fastae[data]``).

    Returns
    -------
    fashion : :class:`~sklearn.utils.Bunch`
        x_train : ndarray of shape (60000, 784), dtype uint8
            Pictures, row by row, 0 = background.
        y_train : ndarray of shape (60000,), dtype uint8
            The classes they belong to.
        x_test : ndarray of shape (10000, 784), dtype uint8
            Pictures to test with.
        y_test : ndarray of shape (10000,), dtype uint8
            What they show.
        target_names : list of str
            The names of the classes.
        DESCR : str
            Description of the data set.

    Raises
    ------
    FileNotFoundError
        If the data set is neither on this machine nor to be had from its homes.
    ValueError
        If the file in FASTAE_DATA is damaged.

    Examples
    --------
    >>> from fastae.datasets import load_fashion_mnist
    >>> fashion = load_fashion_mnist()
    >>> fashion.x_train.shape, fashion.x_test.shape
    ((60000, 784), (10000, 784))
    >>> fashion.target_names[int(fashion.y_train[0])]
    'Ankle boot'
    """
    names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"]
    names += ["Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    return _load_pictures(_sources.FASHION_MNIST, names, FASHION_MNIST_DESCR)


def _find(source: _sources.Source) -> list[Path]:
    """Return the files of a data set whose files are the same at home and in FASTAE_DATA."""
    return _sources.local_files(source) or _sources.cached_files(source)


def _read_csv(path: Path, n_rows: int | None = None) -> NDArray[np.float64]:
    """Read a headerless table of beats; `n_rows` is checked if given."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "no data": the shape tells
            X = np.loadtxt(path, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        msg = f"{path} is damaged: {error}"
        raise ValueError(msg) from error
    expected = (n_rows or len(X), N_ECG_POINTS)
    if X.shape != expected or not len(X):
        msg = f"{path} has {X.shape[0]} rows and {X.shape[1]} columns of numbers; "
        msg += f"{n_rows or 'some'} rows and {N_ECG_POINTS} columns were expected."
        raise ValueError(msg)
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        msg = f"{path} has {X[row, column]} in row {row}, column {column}; "
        msg += "a finite number was expected."
        raise ValueError(msg)
    return X


def _load_pictures(source: _sources.Source, names: list[str], description: str) -> Bunch:
    """Return the pictures from FASTAE_DATA's .npz file or from the IDX files of the cache."""
    found = _sources.local_files(source)
    if found is not None:
        arrays = _read_npz(found[0])
        origin = dict.fromkeys(PICTURE_KEYS, found[0])
    else:
        paths = _sources.cached_files(source)
        origin = dict(zip(PICTURE_KEYS, paths, strict=True))
        arrays = {key: read_idx(path) for key, path in origin.items()}
        for key in ("x_train", "x_test"):
            arrays[key] = arrays[key].reshape(len(arrays[key]), -1)
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        _check_pictures(x, y, part, origin[f"x_{part}"])
    return Bunch(**arrays, target_names=names, DESCR=description)


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {key: archive[key] for key in PICTURE_KEYS}
    except KeyError as error:
        msg = f"{path} is not as expected: {error.args[0]}; it must have {', '.join(PICTURE_KEYS)}."
        raise ValueError(msg) from error
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        msg = f"{path} is damaged or is no .npz file of plain arrays: {error}"
        raise ValueError(msg) from error


def _check_pictures(x: NDArray[Any], y: NDArray[Any], part: str, path: Path) -> None:
    """Raise a ValueError unless x and y are pictures and their classes."""
    ok = x.dtype == y.dtype == np.uint8 and x.ndim == 2 and x.shape[1] == N_PIXELS
    if not (ok and len(x) > 0 and y.shape == (len(x),) and y.max() < N_CLASSES):
        msg = (
            f"{path} has x_{part} of shape {x.shape} and type {x.dtype}, y_{part} of shape "
            f"{y.shape} and type {y.dtype}; (n, {N_PIXELS}) and (n,) of uint8 with n > 0 and "
            f"classes below {N_CLASSES} were expected."
        )
        raise ValueError(msg)
