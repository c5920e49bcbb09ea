"""What was built, and what it found on this machine."""

from __future__ import annotations

from typing import Any

from fastae import _core, _threads

_LABELS = {
    "version": "fastae",
    "isa": "instruction set",
    "available_isas": "available here",
    "compiler": "compiler",
    "openmp": "OpenMP",
    "eigen": "Eigen",
    "assertions": "assertions",
    "cpus": "usable CPUs",
    "threads": "threads",
}


def get_config() -> dict[str, Any]:
    """Return what `show_config` prints.

    Returns
    -------
    config : dict
        "version", "isa" (the instruction set in use), "available_isas", "compiler", "openmp",
        "eigen", "assertions" (bool: a debug build), "cpus" (CPUs this process may use) and
        "threads" (the most that ``n_jobs=None`` uses here and now).
    """
    from fastae import __version__  # not at the top: the package imports this module

    build = _core.build_info()
    return {
        "version": __version__,
        "isa": _core.isa,
        "available_isas": _core.available_isas(),
        "compiler": build["compiler"],
        "openmp": build["openmp"],
        "eigen": build["eigen"],
        "assertions": not build["ndebug"],
        "cpus": _threads.usable_cpus(),
        "threads": _threads.max_threads(),
    }


def show_config() -> None:
    """Print version, instruction set, compiler, OpenMP and threads; paste it into bug reports.

    The instruction set is the best that this processor supports. Set the environment variable
    ``FASTAE_ISA`` to one of the others, before the first import, to force it.

    Examples
    --------
    >>> import fastae
    >>> fastae.show_config()  # doctest: +ELLIPSIS
    fastae...
    """
    width = max(map(len, _LABELS.values()))
    for key, value in get_config().items():
        text = ", ".join(value) if isinstance(value, list) else value
        print(f"{_LABELS[key]:<{width}}  {text}")
