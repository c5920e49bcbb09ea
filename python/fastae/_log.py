"""The package's logger."""

from __future__ import annotations

import logging

logger = logging.getLogger("fastae")


def show_log() -> None:
    """Make ``verbose=1`` visible where the application has not set up logging."""
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        logger.addHandler(logging.StreamHandler())
