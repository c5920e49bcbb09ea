"""The set-up commands that the README shows are those that the gate runs.

Its other blocks are run by test_docs.py.
"""

from __future__ import annotations

import re
import subprocess

from pages import ROOT, Page


def test_the_gate_runs_the_commands_of_the_readme():
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    function = re.search(
        r"^readme_command\(\) \{\n.*?^\}\n", gate, re.DOTALL | re.MULTILINE
    ).group()
    run = re.findall(r"""bash -euo pipefail -c "\$\(readme_command '(.*?)'\)\"""", gate)
    taken = [
        subprocess.run(
            ["bash", "-c", f"{function}readme_command '{heading}'"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        ).stdout
        for heading in run
    ]
    commands = [block.code for block in Page(ROOT / "README.md").blocks if block.info == "bash"]
    assert taken == commands
    assert len(commands) >= 2
