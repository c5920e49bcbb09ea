"""The compiled core: picks one of the ``_core_<isa>`` modules and re-exports its functions.

There is one module per instruction set because code of two sets linked into one module would
be merged by the linker, and run on processors that cannot run it. All offer the same functions;
``_core.pyi`` has their types.
"""

from __future__ import annotations

import importlib
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_MISSING = (
    "The compiled part of fastae is missing: install the package (in its source folder: "
    "`pip install .`) and do not import it from inside `python/`."
)

try:
    from fastae import _cpu
except ImportError as error:
    raise ImportError(_MISSING) from error


def available_isas() -> list[str]:
    """Return the instruction sets that are both installed and supported here, weakest first.

    Returns
    -------
    isas : list of str
        Some of "v2", "v3", "v4" (the x86-64 levels), or "generic".

    Examples
    --------
    >>> from fastae import _core
    >>> _core.isa in _core.available_isas()
    True
    """
    return [isa for isa in _cpu.supported_isas() if find_spec(f"fastae._core_{isa}") is not None]


def load(isa: str) -> ModuleType:
    """Return the compiled module for one instruction set.

    Parameters
    ----------
    isa : str
        One of `available_isas`.

    Returns
    -------
    core : module
        It has the functions that ``_core.pyi`` lists.

    Raises
    ------
    ImportError
        If this instruction set is unknown, not installed, or not supported by this processor.
    """
    choices = available_isas()
    if not choices:
        raise ImportError(_MISSING)
    if isa not in choices:
        msg = f"The instruction set must be one of {', '.join(choices)}, got {isa!r}."
        raise ImportError(msg)
    return importlib.import_module(f"fastae._core_{isa}")


def _load_chosen() -> tuple[str, ModuleType]:
    """Return the module that FASTAE_ISA names, or else the best one."""
    forced = os.environ.get("FASTAE_ISA")
    if not forced:
        best = (available_isas() or [""])[-1]
        return best, load(best)
    try:
        return forced, load(forced)
    except ImportError as error:
        msg = f"FASTAE_ISA={forced} cannot be used: {error}"
        raise ImportError(msg) from error


isa, _chosen = _load_chosen()
build_info = _chosen.build_info
fma_peak = _chosen.fma_peak
max_threads = _chosen.max_threads
row_order = _chosen.row_order
layout = _chosen.layout
column_groups = _chosen.column_groups
column_stats = _chosen.column_stats
train = _chosen.train
step_rates = _chosen.step_rates
score = _chosen.score
feature_errors = _chosen.feature_errors
reconstruct = _chosen.reconstruct
activations = _chosen.activations
decode = _chosen.decode
