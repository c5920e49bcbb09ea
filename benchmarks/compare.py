"""Compare fastae with its peers: same data, same network, same settings, in one run.

    FASTAE_DATA=/path/to/data python benchmarks/compare.py --out benchmarks/results

(needs ``pip install '.[bench]'``, and Java for H2O). In every round each contender of each case
trains or scores in a process of its own, one after the other, between two measurements of the
machine's peak of fused multiply-adds. Writes the medians over the rounds to ``compare.md``, all
measurements to ``compare.json``, and a plot to ``compare.png``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cases import DEEP, scoring_flops, training_flops
from fastae import Autoencoder, _core, datasets
from peers import _report
from peers._worker import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a peer needs to be imported; the first is also its name in a table.
PEERS = {
    "fastae": ("fastae",),
    "h2o": ("h2o",),
    "torch": ("torch",),
    "torch-compile": ("torch",),
    "sklearn": ("sklearn",),
    "pyod": ("pyod", "torch"),
    "onnxruntime": ("onnxruntime", "onnx"),
}
TORCH = ("torch", "torch-compile")
# Rounds of what takes tens of seconds and is far from the others.
MAX_ROUNDS = {"pyod": 1}
TABLE_WIDTHS = {"fashion": 784, "ecg": 210}
TIMEOUT = 900


@dataclass(frozen=True)
class Comparison:
    """A case and who takes part in it; fields as in `peers._worker.Job`."""

    name: str
    peers: tuple[str, ...]
    kind: str = "train"
    hidden: tuple[int, ...] = (50,)
    table: str = "fashion"
    batch_size: int = 128
    rate: float | None = 0.004
    epochs: int = 1
    max_rows: int = 60_000
    threads: int | None = None
    l1: float = 0.0
    target: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    isa: str | None = None
    tuned_as: str | None = None

    def flops(self) -> int:
        """Return the floating-point operations per row of the network's products."""
        flops = scoring_flops if self.kind == "score" else training_flops
        return flops(self.hidden, TABLE_WIDTHS[self.table])


ONLINE = {"solver": "adadelta", "rho": 0.99, "epsilon": 1e-8, "learning_rate_init": 1.0}
DEFAULTS = {"learning_rate": "cosine", "batch_size": "auto", "n_jobs": None}

CASES = [
    Comparison("online", ("fastae", "h2o"), batch_size=1, rate=None, settings=ONLINE),
    Comparison("batch-32", ("fastae", *TORCH), batch_size=32, rate=0.002),
    Comparison("batch-128", ("fastae", *TORCH, "sklearn", "pyod"), target=True),
    Comparison("batch-128-hogwild", ("fastae",), settings={"parallel": "hogwild"}),
    Comparison("batch-128-1-thread", ("fastae", *TORCH), threads=1, tuned_as="batch-128"),
    Comparison("batch-128-avx2", ("fastae",), isa="v3"),
    Comparison("batch-128-bits", ("fastae",), kind="bits"),
    Comparison("defaults", ("fastae",), rate=None, target=True, settings=DEFAULTS),
    Comparison("deep", ("fastae", *TORCH), hidden=DEEP, rate=0.001, max_rows=10_000),
    Comparison(
        "scoring", ("fastae", *TORCH, "h2o", "onnxruntime"), kind="score", max_rows=10_000
    ),
    Comparison(
        "ecg", ("fastae", "h2o"), table="ecg", batch_size=1, rate=None, epochs=100, max_rows=20,
        l1=1e-5, settings=ONLINE,
    ),
]  # fmt: skip


@dataclass
class Run:
    """One run of the comparison: its options, its tables' folder, what it has measured."""

    options: argparse.Namespace
    folder: str
    peers: list[str]
    variants: dict[tuple[str, str], str] = field(default_factory=dict)
    tried: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)

    def job(self, case: Comparison, peer: str, **changes: Any) -> Job:
        values = {name.name: getattr(case, name.name, None) for name in dataclasses.fields(Job)}
        values |= {
            "case": case.name,
            "hidden": list(case.hidden),
            "n_rows": min(case.max_rows, self.options.rows or case.max_rows),
            "n_threads": case.threads or self.options.threads,
            "target": self.options.target if case.target else None,
            "min_seconds": self.options.seconds,
            "folder": self.folder,
        }
        values["variant"] = self.variants.get((case.tuned_as or case.name, peer))
        return Job(**(values | changes))

    def measure(self, peer: str, cases: Sequence[Comparison]) -> bool:
        """Let a peer run cases in one process; return whether it could."""
        jobs = [self.job(case, peer) for case in cases]
        before = _peak(cases[0], jobs[0])
        lines = _process(peer, jobs, cases[0].isa)
        if lines is None:
            return False
        after = _peak(cases[0], jobs[0])
        for case, line in zip(cases, lines, strict=True):
            line |= {"case": case.name, "peer": peer}
            if "obs_per_s" in line:
                line["n_threads"] = jobs[0].n_threads
                line["peak_flops"] = (before + after) / 2
                line["percent_of_peak"] = 100 * line["obs_per_s"] * case.flops() / line[
                    "peak_flops"
                ]  # fmt: skip
            self.results.append(line)
            _show(line)
        return True

    def tune(self, cases: Sequence[Comparison]) -> None:
        """Let PyTorch find its best variants of each case, once and before the rounds."""
        if not set(TORCH).intersection(self.peers):
            return
        names = {case.tuned_as or case.name for case in cases if "torch" in case.peers}
        for case in (case for case in CASES if case.name in names):
            lines = _process("torch", [self.job(case, "torch", kind="tune")], None)
            if lines is None:
                self.peers = [peer for peer in self.peers if peer not in TORCH]
                return
            for peer, key in zip(TORCH, ("variant", "compiled_variant"), strict=True):
                self.variants[case.name, peer] = lines[0][key]
            self.tried[case.name] = lines[0]["tried"]
            print(f"torch tuned for {case.name}: {json.dumps(lines[0]['tried'])}", flush=True)

    def round(self, cases: Sequence[Comparison], number: int) -> None:
        """Run every case once; H2O's cases share one Java, which takes seconds to start."""
        together = [case for case in cases if "h2o" in case.peers]
        if "h2o" in self.peers and together and not self.measure("h2o", together):
            self.peers.remove("h2o")
        for case in cases:
            for peer in self._contenders(case, number):
                if not self.measure(peer, [case]):
                    self.peers.remove(peer)

    def _contenders(self, case: Comparison, number: int) -> list[str]:
        """Return who runs a case in a process of its own in this round."""
        return [
            peer
            for peer in case.peers
            if peer in self.peers
            and peer != "h2o"
            and number < MAX_ROUNDS.get(peer, number + 1)
            and (peer not in TORCH or self.variants[case.tuned_as or case.name, peer])
        ]


def _peak(case: Comparison, job: Job) -> float:
    """Return the peak of fused multiply-adds now, of the case's instruction set and threads."""
    core = _core.load(case.isa) if case.isa else _core
    return core.fma_peak(n_threads=job.n_threads, seconds=0.15)


def _process(peer: str, jobs: list[Job], isa: str | None) -> list[dict[str, Any]] | None:
    """Run jobs in a process of their own; None, and one line why, if it fails."""
    threads = str(jobs[0].n_threads)
    here = str(Path(__file__).parent)
    environment = os.environ | {
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "PYTHONPATH": os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    if isa:
        environment["FASTAE_ISA"] = isa
    command = [sys.executable, "-m", "peers._worker", peer.partition("-")[0]]
    text = json.dumps([dataclasses.asdict(job) for job in jobs])
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, env=environment, timeout=TIMEOUT,
            check=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        print(f"{peer}: left out, {jobs[0].case} took longer than {TIMEOUT} s.")
        return None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or [f"exit status {error.returncode}"])[-1]
        print(f"{peer}: left out, {jobs[0].case} failed: {reason}")
        return None
    return [json.loads(line) for line in done.stdout.splitlines()]


def _show(line: dict[str, Any]) -> None:
    figures = {
        key: f"{value:.4g}" if isinstance(value, float) else value
        for key, value in line.items()
        if key not in ("case", "peer")
    }
    print(f"{line['case']:<20} {line['peer']:<12}", figures, flush=True)


def _available(names: Sequence[str]) -> list[str]:
    """Return the peers that are installed; one line for each that is not."""
    found = []
    for name in names:
        missing = [package for package in PEERS[name] if find_spec(package) is None]
        if missing:
            print(f"{name}: left out, {missing[0]} is not installed (pip install '.[bench]').")
        elif name == "h2o" and shutil.which("java") is None:
            print("h2o: left out, there is no java on the PATH.")
        else:
            found.append(name)
    return found


def _write_tables(folder: Path, rows: int | None) -> None:
    """Save the tables, and the weights of a network that all contenders score with."""
    images, beats = datasets.load_fashion_mnist(), datasets.load_ecg()
    tables = {
        "fashion_train": images.x_train,
        "fashion_test": images.x_test,
        "ecg_train": beats.train,
        "ecg_test": beats.test[:20],
    }
    for name, table in tables.items():
        np.save(folder / f"{name}.npy", table)
    model = Autoencoder(hidden_layer_sizes=(50,), output_activation="tanh", max_epochs=1,
                        random_state=1).fit(images.x_train[:rows])  # fmt: skip
    weights = {f"coefs_{layer}": W for layer, W in enumerate(model.coefs_)}
    weights |= {f"intercepts_{layer}": b for layer, b in enumerate(model.intercepts_)}
    np.savez(folder / "weights.npz", shift=model.shift_, scale=model.scale_, **weights)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser = argparse.ArgumentParser(description="Compare fastae with its peers.")
    names = [case.name for case in CASES]
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--cases", nargs="+", choices=names, default=names, metavar="CASE",
                        help=", ".join(names))  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=cpus)
    parser.add_argument("--rows", type=int, help="of the training table, to shorten the run")
    parser.add_argument("--seconds", type=float, default=1.0, help="least time per measurement")
    parser.add_argument("--target", type=float, default=0.0136, help="test MSE to take time to")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    cases = [case for case in CASES if case.name in options.cases]
    cases = [case for case in cases if not case.isa or case.isa in _core.available_isas()]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        _write_tables(Path(folder), options.rows)
        run = Run(options, folder, _available(options.peers))
        run.tune(cases)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            run.round(cases, number)
            # After every round, so that a long run that is stopped leaves something.
            _report.write(_report_data(run, number + 1, time.perf_counter() - start), options.out)
    print(f"written to {options.out}")


def _report_data(run: Run, n_rounds: int, seconds: float) -> dict[str, Any]:
    options = run.options
    return {
        "machine": _report.machine(options.threads),
        "versions": _report.versions(run.peers),
        "options": {
            "rounds": n_rounds,
            "rows": options.rows,
            "target": options.target,
            "threads": options.threads,
        },
        "minutes": seconds / 60,
        "cases": [case.name for case in CASES],
        "tried": run.tried,
        "results": run.results,
    }


if __name__ == "__main__":
    main()
