"""Deep autoencoders on CPUs: find the odd rows in a table, learn compact features.

`Autoencoder` is a scikit-learn outlier detector and transformer over a C++ core;
`AutoencoderClassifier` and `AutoencoderRegressor` put labels on top of what it learned;
`load` reads what their `save` wrote; `fastae.plot` draws what they found, `report` makes a page of
it; `DriftMonitor` watches a stream; `fastae.datasets` has data to try them on; `show_config` says
what was built.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastae import compat, datasets, plot, series
    from fastae._autoencoder import Autoencoder
    from fastae._classifier import AutoencoderClassifier
    from fastae._config import show_config
    from fastae._drift import DriftMonitor
    from fastae._errors import DivergenceError
    from fastae._regressor import AutoencoderRegressor
    from fastae._report import report
    from fastae._saving import load
    from fastae._scan import scan

    __version__: str

__all__ = [
    "Autoencoder",
    "AutoencoderClassifier",
    "AutoencoderRegressor",
    "DivergenceError",
    "DriftMonitor",
    "__version__",
    "compat",
    "datasets",
    "load",
    "plot",
    "report",
    "scan",
    "series",
    "show_config",
]

# All imported when first used: `fastae --help` and the shell's completion need none of it, and
# scikit-learn alone takes a second.
_MODULES = {
    "Autoencoder": "_autoencoder",
    "AutoencoderClassifier": "_classifier",
    "AutoencoderRegressor": "_regressor",
    "DivergenceError": "_errors",
    "DriftMonitor": "_drift",
    "load": "_saving",
    "report": "_report",
    "scan": "_scan",
    "show_config": "_config",
}


def __getattr__(name: str) -> Any:
    if name in ("compat", "datasets", "plot", "series"):
        return importlib.import_module(f"fastae.{name}")
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("fastae")
    elif name in _MODULES:
        value = getattr(importlib.import_module(f"fastae.{_MODULES[name]}"), name)
    else:
        msg = f"module 'fastae' has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value  # the next time it is found at once
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
