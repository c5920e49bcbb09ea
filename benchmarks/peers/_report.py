"""From measurements to the Markdown tables and the plot of ``compare.py``."""

from __future__ import annotations

import json
import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastae

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LABELS = {
    "fastae": "fastae",
    "h2o": "H2O",
    "torch": "PyTorch",
    "torch-compile": "PyTorch, compiled",
    "sklearn": "scikit-learn",
    "pyod": "PyOD",
    "onnxruntime": "onnxruntime",
}
DISTRIBUTIONS = {"sklearn": "scikit-learn"}

NOTES = """\
- One process per measurement; the contenders take turns in every round; medians over the rounds.
- obs/s counts the training loop alone, for H2O by its own "training speed" (without its scoring);
  in brackets the least and the greatest of the rounds.
- "fastae is" says how many times the contender's obs/s fastae reaches.
- Test MSE: mean over the test rows and columns of the squared error in range-scaled units.
- Peak: floating-point operations of the network's products (6 per weight and row in training,
  4 in the first layer; 2 in scoring) against the rate of fused multiply-adds on registers,
  measured right before and after with the same threads and instruction set.
- Memory: growth of the process (of Java for H2O) over loaded packages and tables, at its peak.
  Java takes what it is allowed rather than what it needs.
- scikit-learn and PyOD have no tanh output layer: theirs is linear.
- Scoring starts from uint8 rows. H2O's are in its own compressed frame, its scores stay there,
  and its weights are its own; all others score with one network.
"""


def machine(n_threads: int) -> str:
    """Return processor, threads and instruction set in words."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        fields = dict(
            (part.strip() for part in line.split(":", 1))
            for line in info.read_text().split("\n\n")[0].splitlines()
            if ":" in line
        )
        model = (
            f"{fields.get('model name', model)} (family {fields.get('cpu family', '?')}, "
            f"model {fields.get('model', '?')})"
        )
    return f"{model}, {os.cpu_count()} CPUs, {n_threads} threads, {fastae._core.isa} kernels"


def versions(peers: Sequence[str]) -> dict[str, str]:
    """Return the version of each peer."""
    names = [peer for peer in peers if peer != "torch-compile"]
    return {peer: version(DISTRIBUTIONS.get(peer, peer)) for peer in names}


def medians(
    results: Sequence[dict[str, Any]], cases: Sequence[str]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return by (case, peer) the median of every number; other values from the first round.

    Cases are in the order given, and in each case the contenders in that of `LABELS`.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for result in results:
        groups.setdefault((result["case"], result["peer"]), []).append(result)
    table = {}
    for key in ((case, peer) for case in cases for peer in LABELS):
        group = groups.get(key)
        if not group:
            continue
        row = {name: _median([line.get(name) for line in group]) for name in group[0]}
        speeds = [line["obs_per_s"] for line in group if "obs_per_s" in line]
        if speeds:
            row |= {"least": min(speeds), "greatest": max(speeds)}
        table[key] = row
    return table


def _median(values: list[Any]) -> Any:
    numbers = [value for value in values if isinstance(value, int | float)]
    if not numbers or isinstance(values[0], bool):
        return values[0]
    return statistics.median(numbers)


def write(report: dict[str, Any], folder: Path) -> None:
    """Write compare.json, compare.md and, with matplotlib, compare.png."""
    folder.mkdir(parents=True, exist_ok=True)
    table = medians(report["results"], report["cases"])
    (folder / "compare.json").write_text(json.dumps(report, indent=1) + "\n")
    plotted = _plot(table, folder / "compare.png")
    (folder / "compare.md").write_text(_markdown(report, table, plotted))


def _markdown(
    report: dict[str, Any], table: dict[tuple[str, str], dict[str, Any]], plotted: bool
) -> str:
    parts = [
        "# fastae and its peers\n",
        _setting(report),
        _speed_table(table),
        "## What these figures say\n",
        _claims_table(table, report["options"]["target"]),
        "## How they were taken\n",
        NOTES,
    ]
    if report["tried"]:
        parts += ["## PyTorch's variants, obs/s\n", _tried_table(report["tried"])]
    if plotted:
        parts.append("![Rows per second](compare.png)\n")
    return "\n".join(parts)


def _setting(report: dict[str, Any]) -> str:
    names = ", ".join(f"{LABELS[peer]} {text}" for peer, text in report["versions"].items())
    options = report["options"]
    rows = "all rows" if options["rows"] is None else f"only {options['rows']} training rows"
    peaks = [
        line["peak_flops"] / 1e9
        for line in report["results"]
        if line.get("n_threads") == options["threads"]
    ]
    spread = f"{min(peaks):.0f} to {max(peaks):.0f}" if peaks else "not measured"
    return (
        f"{report['machine']}. {names}. {options['rounds']} rounds, {rows}, "
        f"{report['minutes']:.0f} minutes. Peak of fused multiply-adds over the run, GFLOP/s: "
        f"{spread}. Written by `benchmarks/compare.py`.\n"
    )


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    table = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(row) + " |\n" for row in table)


def _speed_table(table: dict[tuple[str, str], dict[str, Any]]) -> str:
    header = ["case", "contender", "obs/s", "fastae is", "test MSE", "% of peak", "memory, MiB"]
    rows = []
    for (case, peer), row in table.items():
        ours = table.get((case, "fastae"))
        if "obs_per_s" not in row:
            continue
        ratio = f"{ours['obs_per_s'] / row['obs_per_s']:.1f} x" if ours else ""
        rows.append([
            case,
            LABELS[peer],
            f"{row['obs_per_s']:,.0f} ({row['least']:,.0f} - {row['greatest']:,.0f})",
            "" if peer == "fastae" else ratio,
            _number(row.get("test_mse"), ".5f"),
            _number(row.get("percent_of_peak"), ".1f"),
            _number(row.get("peak_mib"), ".0f"),
        ])  # fmt: skip
    return _lines(header, rows)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _claims_table(table: dict[tuple[str, str], dict[str, Any]], target: float) -> str:
    """Return ratios between cases, and the times that only some of them have."""

    def speed(case: str, peer: str = "fastae") -> float:
        return table[case, peer]["obs_per_s"]

    def seconds(case: str, peer: str, key: str) -> str:
        value = table[case, peer].get(key)
        return "not reached" if value is None else f"{value:.3f} s"

    claims: list[tuple[str, Callable[[], str]]] = [
        (
            "2 threads or more against 1, mini-batch 128",
            lambda: f"{speed('batch-128') / speed('batch-128-1-thread'):.2f} x",
        ),
        (
            "deterministic against Hogwild, mini-batch 128",
            lambda: f"{speed('batch-128') / speed('batch-128-hogwild'):.0%}",
        ),
        (
            "equal bits for 1, 2, 3 and 4 threads",
            lambda: "yes" if table["batch-128-bits", "fastae"]["equal_bits"] else "NO",
        ),
        (
            "whole ECG fit: fastae",
            lambda: seconds("ecg", "fastae", "call_seconds"),
        ),
        ("whole ECG fit: H2O", lambda: seconds("ecg", "h2o", "call_seconds")),
        (
            f"time to test MSE {target}, fastae's defaults, whole call",
            lambda: seconds("defaults", "fastae", "target_seconds"),
        ),
        (
            f"time to test MSE {target}, PyTorch, batch 128, training loop",
            lambda: seconds("batch-128", "torch", "target_seconds"),
        ),
        (
            f"time to test MSE {target}, PyTorch, compiled, batch 128, training loop",
            lambda: seconds("batch-128", "torch-compile", "target_seconds"),
        ),
        (
            "time of H2O's one epoch, whole call",
            lambda: seconds("online", "h2o", "call_seconds"),
        ),
        (
            "H2O's time against fastae's defaults",
            lambda: _against(
                table["online", "h2o"]["call_seconds"],
                table["defaults", "fastae"]["target_seconds"],
            ),
        ),
        (
            "H2O's time against fastae's, ECG fit",
            lambda: _against(
                table["ecg", "h2o"]["call_seconds"], table["ecg", "fastae"]["call_seconds"]
            ),
        ),
    ]
    rows = []
    for text, value in claims:
        try:
            rows.append([text, value()])
        except KeyError:  # a case or peer that was not run
            continue
    return _lines(["what", "measured"], rows)


def _against(theirs: float, ours: float | None) -> str:
    return "not reached" if ours is None else f"{theirs / ours:.0f} x"


def _tried_table(tried: dict[str, dict[str, Any]]) -> str:
    rows = [
        [case, variant, f"{value:,.0f}" if isinstance(value, float) else f"failed: {value}"]
        for case, variants in tried.items()
        for variant, value in variants.items()
    ]
    return _lines(["case", "variant", "obs/s"], rows)


def _plot(table: dict[tuple[str, str], dict[str, Any]], path: Path) -> bool:
    """Draw a bar of obs/s per case and contender; return whether matplotlib is there."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("no plot: matplotlib is not installed (pip install '.[bench]').")
        return False
    keys = [key for key in table if "obs_per_s" in table[key]]
    if not keys:
        return False
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(keys)), layout="constrained")
    axes = figure.subplots()
    speeds = [table[key]["obs_per_s"] for key in keys]
    colours = [f"C{[*LABELS].index(peer)}" for _, peer in keys]
    bars = axes.barh([f"{case}: {LABELS[peer]}" for case, peer in keys], speeds, color=colours)
    axes.bar_label(bars, [f" {speed:,.0f}" for speed in speeds], fontsize=8)
    axes.set(xscale="log", xlabel="rows per second (logarithmic)")
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    return True
