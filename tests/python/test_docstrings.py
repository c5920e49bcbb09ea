"""Docstrings of everything public: complete by numpydoc's checks, with examples that run."""

from __future__ import annotations

import doctest
import functools
import importlib
import inspect
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from numpydoc.validate import ERROR_MSGS, validate

import fastae
import pages

MODULES = ["fastae", "fastae.plot", "fastae.series", "fastae.datasets", "fastae.compat.h2o"]

# What numpydoc could ask for, and is not asked for here.
NOT_CHECKED = {
    "ES01": "one sentence can be enough",
    "SA01": "pages link what belongs together",
    "EX01": "test_there_is_an_example, which looks at the class's example, too",
    "PR04": "test_parameters_are_described",
    "PR07": "test_parameters_are_described",
    "RT02": "what is returned has a name, as parameters have",
    "RT03": "name and type can be enough: self",
    "RT04": "fields of a Bunch begin with their names",
}
# Names, arguments and answers of fastae.compat.h2o are H2O's, and documented there.
NOT_CHECKED_OF_H2O = {"PR01", "RT01"}


def _public():
    """Yield the full names of all public objects, and of the methods that fastae gives classes."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            thing = getattr(module, name)
            if not callable(thing):
                continue
            yield f"{module_name}.{name}"
            if inspect.isclass(thing):
                yield from (f"{module_name}.{name}.{method}" for method in _methods(thing))


def _methods(cls):
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        member = getattr(member, "__func__", getattr(member, "fget", member))
        module = getattr(member, "__module__", None) or ""
        if not name.startswith("_") and callable(member) and module.startswith("fastae"):
            yield name


NAMES = sorted(_public())
OF_H2O = {name for name in NAMES if name.startswith("fastae.compat.h2o.")}

_validated = functools.cache(validate)

every_name = pytest.mark.parametrize("name", NAMES)


@every_name
def test_numpydoc_finds_nothing(name):
    skipped = NOT_CHECKED.keys() | (NOT_CHECKED_OF_H2O if name in OF_H2O else set())
    found = [error for error in _validated(name)["errors"] if error[0] not in skipped]
    assert not found


@every_name
def test_parameters_are_described(name):
    """With a type, or in words where the type is said elsewhere ("As in `fit`.")."""
    lacking = {"PR04": set(), "PR07": set()}
    for code, message in _validated(name)["errors"]:
        if code in lacking:
            lacking[code].add(re.search('"(.*)"', message).group(1))
    assert not lacking["PR04"] & lacking["PR07"]


@every_name
def test_there_is_an_example(name):
    """In the docstring itself, or, for a method, in that of its class."""
    parent, _, last = name.rpartition(".")
    if parent in OF_H2O:
        return  # docs/coming-from-h2o.md
    examples = _examples(name)
    if parent in NAMES:
        lines = [line for line in _examples(parent) if not line.startswith(("from ", "import "))]
        examples += [line for line in lines if re.search(rf"\.{last}\b", line)]
    assert examples


def _examples(name):
    parser = doctest.DocTestParser()
    return [example.source for example in parser.get_examples(_validated(name)["docstring"])]


def test_checks_that_are_left_out_exist():
    assert NOT_CHECKED.keys() | NOT_CHECKED_OF_H2O <= ERROR_MSGS.keys()


def _modules_with_examples():
    folder = Path(fastae.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if ">>> " not in source:
            continue
        name = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        loads = re.search(rf">>> .*\b({'|'.join(pages.LOADERS)})\b", source)
        yield pytest.param(
            name.removesuffix(".__init__"), marks=[pytest.mark.real_data] if loads else []
        )


@pytest.mark.parametrize("name", list(_modules_with_examples()))
def test_examples_run(name, tmp_path, monkeypatch):
    if name == "fastae._callbacks":
        pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 has the first callbacks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    results = doctest.testmod(importlib.import_module(name))
    plt.close("all")
    assert results.attempted
    assert not results.failed
