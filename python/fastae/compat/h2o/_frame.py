"""A pandas frame that also answers to H2O's spellings; imported when first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

try:
    import pandas as pd
except ImportError as error:  # pandas is no dependency of fastae
    msg = "H2OFrame needs pandas: run pip install pandas, or use polars frames or NumPy arrays."
    raise ImportError(msg) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class H2OColumn(pd.Series):
    """One column of an `H2OFrame`: a pandas series with H2O's conversions."""

    @property
    def _constructor(self) -> type[H2OColumn]:
        return H2OColumn

    @property
    def _constructor_expanddim(self) -> Callable[..., H2OFrame]:
        return _as_it_is

    def asfactor(self) -> H2OColumn:
        """Return the column as a factor."""
        return H2OColumn(self.astype("category"))

    def asnumeric(self) -> H2OColumn:
        """Return the column as numbers; levels that are no numbers become missing."""
        return H2OColumn(pd.to_numeric(self.astype(object), errors="coerce"))

    def as_data_frame(self, **_: Any) -> pd.DataFrame:
        """Return the column as a pandas frame."""
        return pd.DataFrame(self.to_frame())


class H2OFrame(pd.DataFrame):
    """A pandas frame with the spellings of H2O's frames that its autoencoder tutorials use.

    It only adds to pandas: where both have a method of one name, such as `max`, `mean` or
    `describe`, it is pandas' one.

    Parameters
    ----------
    python_obj : pandas.DataFrame, dict, list or ndarray
        Anything that makes a pandas frame. Columns without names are called C1, C2, ...
    index, columns
        As in pandas.
    column_names : sequence of str or None, default=None
        H2O's word for names to use instead.

    Examples
    --------
    >>> from fastae.compat import h2o
    >>> frame = h2o.H2OFrame({"a": [1, 2, 3], "b": [4, 5, 6]})
    >>> frame.names, frame.nrow, frame[[1]].names
    (['a', 'b'], 3, ['b'])
    >>> frame[frame["a"] > 1, "b"].tolist()
    [5, 6]
    """

    def __init__(
        self,
        python_obj: Any = None,
        index: Any = None,
        columns: Any = None,
        column_names: Any = None,
    ) -> None:
        super().__init__(python_obj, index=index, columns=columns)  # type: ignore[call-arg]
        if column_names is not None:
            self.columns = pd.Index(column_names)
        elif columns is None and isinstance(python_obj, list | tuple | np.ndarray):
            self.columns = pd.Index([f"C{i + 1}" for i in range(self.shape[1])])

    @property
    def _constructor(self) -> Callable[..., H2OFrame]:
        return _as_it_is

    @property
    def _constructor_sliced(self) -> type[H2OColumn]:
        return H2OColumn

    def __getitem__(self, key: Any) -> Any:
        """Return what pandas does, but also take H2O's ``[rows, columns]`` and positions."""
        if isinstance(key, tuple) and not isinstance(self.columns, pd.MultiIndex):
            rows, columns = key
            return _rows(self if _is_everything(columns) else self[columns], rows)
        if _is_position(key) and key not in self.columns:
            return self.iloc[:, key]
        if isinstance(key, list | range) and all(map(_is_position, key)) and len(key):
            return self.iloc[:, list(key)]
        return super().__getitem__(list(key) if isinstance(key, range) else key)

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(map(str, self.columns))

    col_names = names

    @property
    def nrow(self) -> int:
        """Number of rows."""
        return len(self)

    nrows = nrow

    @property
    def ncol(self) -> int:
        """Number of columns."""
        return len(self.columns)

    ncols = ncol

    @property
    def dim(self) -> list[int]:
        """Numbers of rows and of columns."""
        return [self.nrow, self.ncol]

    @property
    def types(self) -> dict[str, str]:
        """H2O's type of each column: "int", "real" or "enum"."""
        kinds = {"i": "int", "u": "int", "f": "real"}
        return {str(name): kinds.get(dtype.kind, "enum") for name, dtype in self.dtypes.items()}

    def as_data_frame(self, use_pandas: bool = True, **_: Any) -> Any:
        """Return a plain pandas frame, or with ``use_pandas=False`` lists of texts."""
        if use_pandas:
            return pd.DataFrame(self).copy()
        return [self.names, *([str(x) for x in row] for row in self.itertuples(index=False))]

    def get_frame_data(self) -> str:
        """Return the frame as CSV text."""
        return self.to_csv(index=False)

    def asfactor(self) -> H2OFrame:
        """Return the frame with every column a factor."""
        return H2OFrame(self.astype("category"))

    def set_names(self, names: Sequence[str]) -> H2OFrame:
        """Rename the columns in place, and return the frame."""
        self.columns = pd.Index(names)
        return self

    def cbind(self, data: Any) -> H2OFrame:
        """Return the frame with another frame's columns, or a column, at its right."""
        other = data.reset_index(drop=True)
        return H2OFrame(pd.concat([self.reset_index(drop=True), other], axis=1))

    def rbind(self, data: Any) -> H2OFrame:
        """Return the frame with another frame's rows below its own."""
        return H2OFrame(pd.concat([self, data], ignore_index=True))

    def split_frame(
        self, ratios: Sequence[float] = (0.75,), *_: Any, seed: int = -1, **__: Any
    ) -> list[H2OFrame]:
        """Return parts with about these shares of the rows, and a last one with the others.

        Parameters
        ----------
        ratios : sequence of float, default=(0.75,)
        seed : int, default=-1
            Which part a row goes to is drawn; -1 draws anew each time.
        """
        rng = np.random.default_rng(None if seed == -1 else seed)
        part = np.searchsorted(np.cumsum(ratios), rng.random(self.nrow), side="right")
        return [
            H2OFrame(self.loc[part == k].reset_index(drop=True)) for k in range(len(ratios) + 1)
        ]

    def summary(self) -> None:
        """Print pandas' description of the columns."""
        print(self.describe(include="all"))

    def show(self) -> None:
        """Print the frame."""
        print(self)


def _as_it_is(*args: Any, **options: Any) -> H2OFrame:
    """Make the frame that pandas asks for, without naming columns."""
    frame = pd.DataFrame(*args, **options)
    return H2OFrame(frame)


def _is_position(key: Any) -> bool:
    return isinstance(key, int | np.integer) and not isinstance(key, bool)


def _is_everything(key: Any) -> bool:
    return isinstance(key, slice) and key == slice(None)


def _rows(data: Any, rows: Any) -> Any:
    """Return rows by position or mask; one cell if there is but one row and column."""
    if isinstance(rows, pd.DataFrame):
        rows = rows.iloc[:, 0]
    return data.iloc[rows.to_numpy() if isinstance(rows, pd.Series) else rows]
