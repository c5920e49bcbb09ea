"""Fixtures: tables, numbers of threads, and the peak that percentages refer to."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

import fastae
from cases import TABLES, Case
from fastae import _core

if TYPE_CHECKING:
    from collections.abc import Callable

QUICK = os.environ.get("FASTAE_BENCH_QUICK") == "1"
ALL_THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@cache
def _table(name: str) -> np.ndarray:
    return TABLES[name]()


@pytest.fixture
def rows() -> Callable[[Case], np.ndarray]:
    """The case's table; in a quick run no more than 2,000 rows of it."""

    def get(case: Case) -> np.ndarray:
        X = _table(case.table)[: case.max_rows]
        return X[:2_000] if QUICK else X

    return get


@pytest.fixture
def rounds() -> int:
    return 1 if QUICK else 3


@pytest.fixture(params=sorted({1, ALL_THREADS}), ids=lambda n: f"{n}-threads")
def n_threads(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def report(request: pytest.FixtureRequest, n_threads: int) -> Callable[[list[float], float], None]:
    """Record the median speed and its share of the FMA peak measured just now."""

    def record(obs_per_s: list[float], flops_per_row: float) -> None:
        peak = _core.fma_peak(n_threads=n_threads, seconds=0.05 if QUICK else 0.3)
        speed = float(np.median(obs_per_s))
        gflops = speed * flops_per_row / 1e9
        info = request.getfixturevalue("benchmark").extra_info
        info["obs_per_s"] = round(speed)
        info["gflop_per_s"] = round(gflops, 1)
        info["fma_peak_gflop_per_s"] = round(peak / 1e9, 1)
        info["percent_of_peak"] = round(100 * gflops * 1e9 / peak, 1)
        info["isa"] = _core.isa
        _lines.append(
            f"{request.node.name:<48} {speed:>12,.0f} obs/s {gflops:>8.1f} GFLOP/s "
            f"{info['percent_of_peak']:>5.1f} % of {peak / 1e9:.0f}"
        )

    return record


_lines: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line per benchmark: speed, GFLOP/s, per cent of the peak."""
    if not _lines:
        return
    terminalreporter.section(f"fastae {fastae.__version__}, {_core.isa}: medians")
    for line in _lines:
        terminalreporter.write_line(line)
