"""Scikit-learn's callbacks (from 1.9 on); with an older one there are none.

``sklearn.callback`` is imported when somebody sets a callback: it loads rich, if that is installed,
which takes longer than to import fastae.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastae._state import State


class CallbackMixin:
    """What scikit-learn's CallbackSupportMixin offers, imported late."""

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Set scikit-learn's callbacks, such as its progress bar, for the next `fit`.

        Parameters
        ----------
        *callbacks : objects with the methods of ``sklearn.callback.FitCallback``
            They hear of `fit` as a whole and of each stretch between two scorings. None: remove
            those that were set.

        Returns
        -------
        self : estimator

        Raises
        ------
        ImportError
            With scikit-learn before 1.9, which has no callbacks; the parameter `callback` does
            not need them.
        TypeError
            If one is no callback.

        Examples
        --------
        >>> from sklearn.callback import ProgressBar
        >>> from fastae import Autoencoder
        >>> model = Autoencoder().set_callbacks(ProgressBar())
        >>> model = model.set_callbacks()  # none any more
        """
        _sklearn_callback().CallbackSupportMixin.set_callbacks(self, *callbacks)
        return self

    def _init_callback_context(self, *args: Any, **options: Any) -> Any:
        mixin = _sklearn_callback().CallbackSupportMixin
        return mixin._init_callback_context(self, *args, **options)


def _sklearn_callback() -> Any:
    try:
        from sklearn import callback
    except ImportError as error:
        msg = "Callbacks need scikit-learn 1.9 or newer; the parameter `callback` does not."
        raise ImportError(msg) from error
    return callback


def has_callbacks(estimator: Any) -> bool:
    """Tell whether somebody set callbacks on an estimator, or on one that it is part of."""
    return bool(getattr(estimator, "_skl_callbacks", None))


@contextmanager
def torn_down(estimator: Any) -> Iterator[None]:
    """Tear the estimator's callbacks down when the block ends, however it does."""
    from sklearn.callback._callback_support import callback_management_context

    with callback_management_context(estimator):
        yield


class Tasks:
    """Tells an estimator's callbacks of `fit` and of each stretch between two scorings.

    Parameters
    ----------
    estimator : Autoencoder
    X, y : array-like
        What `fit` was given.
    n_parts : int
        Stretches, if nothing stops the training early.
    attributes : callable
        Takes the State; returns the attributes of an estimator that were fitted if training ended
        now. Only called if a callback asks for it.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        n_parts: int,
        attributes: Callable[[State], dict[str, Any]],
    ) -> None:
        self._attributes = attributes
        self._shared = {"estimator": estimator, "X": X, "y": y, "metadata": {}}
        self._fit = estimator._init_callback_context(max_subtasks=n_parts)
        self._fit.call_on_fit_task_begin(**self._shared)
        self._part: Any = None

    def begin(self) -> None:
        """Tell that a stretch begins."""
        self._part = self._fit.subcontext(task_name="scoring interval")
        self._part.call_on_fit_task_begin(**self._shared)

    def end(self, state: State) -> bool:
        """Tell that it ended with a scoring; return True if a callback asks for an end."""
        if self._part is None:
            return False
        part, self._part = self._part, None
        return bool(part.call_on_fit_task_end(**self._fitted(state)))

    def close(self, state: State) -> None:
        """Tell that `fit` ends."""
        if self._part is not None:  # interrupted on the way
            self.end(state)
        self._fit.call_on_fit_task_end(**self._fitted(state))

    def _fitted(self, state: State) -> dict[str, Any]:
        return self._shared | {"reconstruction_attributes": lambda: self._attributes(state)}
