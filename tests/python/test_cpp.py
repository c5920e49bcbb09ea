"""The C++ unit tests: built here, and run once for every instruction set of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from corenet import ISAS

ROOT = Path(__file__).parents[2]
# Kept between runs, so that only what has changed is compiled again.
BUILD = ROOT / "build" / "cpp-tests"


def find(program):
    """Path of a program of this environment, or else of the system."""
    here = Path(sys.executable).parent
    return shutil.which(program, path=os.pathsep.join([str(here), os.environ.get("PATH", "")]))


def unavailable(reason):
    """Skip; but fail in CI, where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def build():
    """Build the tests of all levels that run here; the folder of the executables."""
    compiler = os.environ.get("CXX", "c++").split()[0]
    programs = {name: find(name) for name in ("cmake", "ninja", compiler)}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        unavailable(f"the C++ tests need {' and '.join(missing)} on the PATH")
    options = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_MAKE_PROGRAM": programs["ninja"],
        "CMAKE_PREFIX_PATH": sysconfig.get_path("purelib"),  # where pip puts Eigen
        "FASTAE_ISAS": ";".join(ISAS),
        "FASTAE_TESTS": "ON",
        "FASTAE_WERROR": "ON",
        "Python3_EXECUTABLE": sys.executable,  # where pip puts GoogleTest
    }
    definitions = [f"-D{name}={value}" for name, value in options.items()]
    (BUILD / "CMakeCache.txt").unlink(missing_ok=True)  # it may be of another environment
    code, output = run(programs["cmake"], "-G", "Ninja", "-S", ROOT, "-B", BUILD, *definitions)
    if code and "GoogleTest is missing" in output:
        unavailable("the C++ tests need GoogleTest: pip install ros-gtest-vendor")
    if code and "Eigen3" in output:
        unavailable("the C++ tests need Eigen: pip install cmeel-eigen")
    assert code == 0, output
    code, output = run(programs["cmake"], "--build", BUILD)
    assert code == 0, output[-20_000:]
    return BUILD / "tests" / "cpp"


@pytest.mark.slow
@pytest.mark.parametrize("isa", ISAS)
def test_core(build, isa):
    code, output = run(build / f"fastae_tests_{isa}", "--gtest_brief=1")
    assert code == 0, output[-20_000:]
    assert re.search(r"\d+ tests? from .* ran\.", output), output
