"""Reports: one self-contained page on a model and on what it says of rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastae._archive import _replacing

if TYPE_CHECKING:
    import os


def report(
    estimator: Any,
    X: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    y: Any = None,
    shape: Any = None,
    top: int = 20,
    title: str | None = None,
) -> str:
    """Return a page on a fitted autoencoder and on what it says of rows.

    What it flags and why, the errors, the columns, the network, how training went, pictures, and
    what it takes to do it again: one HTML file that needs no network and no scripts, for screens
    of any width, dark or light, and for paper.

    Parameters
    ----------
    estimator : Autoencoder
        Fitted.
    X : array-like of shape (n_samples, n_features)
        Rows to judge, as `Autoencoder.predict` takes them: arrays, sparse matrices, frames.
    path : path-like, default=None
        File to write the page to, in UTF-8. It has its old content or all of the new, never a
        part. None: nothing is written.
    y : array-like of shape (n_samples,), default=None
        What is known of the rows: True or 1 for anomalies and False or 0 for normal rows, or
        scikit-learn's -1 for anomalies and 1 for normal rows. The page then says how well they are
        told apart.
    shape : int or sequence of int, default=None
        Draw rows as images, (height, width) or (height, width, channels), or as curves,
        n_features or (n_features,). None: as curves if columns look like points of one.
    top : int >= 1, default=20
        Flagged rows to list, those with the largest errors first.
    title : str, default=None
        Of the page. None: "What the autoencoder found".

    Returns
    -------
    html : str
        The page.

    Raises
    ------
    ImportError
        If jinja2 or matplotlib is not installed.
    sklearn.exceptions.NotFittedError
        If `fit` has not been called.
    TypeError
        If the estimator is no `Autoencoder`, or X is a scan.
    ValueError
        If X is wrong as in `Autoencoder.predict`, `y` is no such marks or not one per row, `shape`
        does not have one place per column, or `top` is no whole number from 1 on.
    OSError
        If the file cannot be written.

    Notes
    -----
    Columns are described by up to 10,000 evenly spaced rows; errors are of all rows. The page says
    everything about X that it shows, single cells included: mind who gets it.

    Examples
    --------
    >>> import fastae
    >>> from fastae.datasets import make_heartbeats
    >>> beats = make_heartbeats(n_normal=20, n_anomalies=3, random_state=0).data
    >>> model = fastae.Autoencoder(random_state=0).fit(beats[:20])
    >>> page = fastae.report(model, beats, title="23 heartbeats")
    >>> "<h1>23 heartbeats</h1>" in page
    True
    """
    try:
        import jinja2  # noqa: F401
        import matplotlib as mpl  # noqa: F401
    except ImportError as error:
        msg = "fastae.report needs jinja2 and matplotlib: pip install fastae[report]"
        raise ImportError(msg) from error
    from fastae._report._page import page

    html = page(estimator, X, y=y, shape=shape, top=top, title=title)
    if path is not None:
        with _replacing(Path(path)) as stream:
            stream.write(html.encode("utf-8"))
    return html
