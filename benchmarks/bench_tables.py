"""Smoke test of tables.py: each of its tables of a few rows, as a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("tables.py")


@pytest.mark.parametrize("name", ["disk", "sparse", "memory", "factor", "levels"])
def test_a_table_of_few_rows(name: str, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, SCRIPT, name, "--out", tmp_path],
        env=os.environ | {"FASTAE_BENCH_QUICK": "1"},
        check=True,
        timeout=300,
    )
    lines = (tmp_path / f"tables-{name}.md").read_text(encoding="utf-8").splitlines()
    cells = [line.count("|") for line in lines if line.startswith("|")]
    assert len(cells) >= 4
    assert len(set(cells)) == 1
