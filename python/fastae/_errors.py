"""Errors that only a network can make; everything else is a plain ``ValueError``."""

from __future__ import annotations


class DivergenceError(FloatingPointError):
    """Training produced NaN or infinity, so no usable network came out of it.

    The message names the epoch and what to change. The estimator is left as it was before
    `fit` was called.

    Examples
    --------
    >>> from fastae import DivergenceError
    >>> issubclass(DivergenceError, ArithmeticError)
    True
    """
