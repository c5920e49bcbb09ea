"""Deep autoencoders on CPUs: find the odd rows in a table, learn compact features.

`Autoencoder` is a scikit-learn outlier detector and transformer over a C++ core;
`AutoencoderClassifier` and `AutoencoderRegressor` put labels on top of what it learned;
`load` reads what their `save` wrote; `fastae.plot` draws what they found, `report` makes a page of
it; `DriftMonitor` watches a stream; `fastae.datasets` has data to try them on; `show_config` says
what was built.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from fastae._autoencoder import Autoencoder
from fastae._classifier import AutoencoderClassifier
from fastae._config import show_config
from fastae._errors import DivergenceError
from fastae._regressor import AutoencoderRegressor
from fastae._saving import load
from fastae._scan import scan

if TYPE_CHECKING:
    from fastae import datasets, plot
    from fastae._drift import DriftMonitor
    from fastae._report import report

__version__ = _version("fastae")
__all__ = [
    "Autoencoder",
    "AutoencoderClassifier",
    "AutoencoderRegressor",
    "DivergenceError",
    "DriftMonitor",
    "__version__",
    "datasets",
    "load",
    "plot",
    "report",
    "scan",
    "show_config",
]


# Imported when first used: detecting anomalies does not need them.
_LAZY_MODULES = ("datasets", "plot")
_LAZY = {"DriftMonitor": "fastae._drift", "report": "fastae._report"}


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return importlib.import_module(f"fastae.{name}")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    msg = f"module 'fastae' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
