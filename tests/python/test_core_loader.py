"""The loader: which compiled module it picks, and what it says when it cannot."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

import fastae
from fastae import _core
from fastae._config import get_config

FUNCTIONS = ["build_info", "layout", "column_stats", "train", "score", "feature_errors"]
FUNCTIONS += ["reconstruct", "activations", "decode"]


def load_again():
    """Run _core.py once more, as a module of its own."""
    spec = importlib.util.spec_from_file_location("core_again", _core.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_best_instruction_set_is_taken(monkeypatch):
    monkeypatch.delenv("FASTAE_ISA", raising=False)
    assert load_again().isa == _core.available_isas()[-1]


@pytest.mark.parametrize("isa", _core.available_isas())
def test_every_available_instruction_set_can_be_forced(monkeypatch, isa):
    monkeypatch.setenv("FASTAE_ISA", isa)
    again = load_again()
    assert again.isa == isa
    assert again.build_info()["isa"] == isa
    for name in FUNCTIONS:
        assert getattr(again, name) is getattr(_core.load(isa), name)


def test_only_what_is_supported_here_is_available(monkeypatch):
    monkeypatch.setattr(_core._cpu, "supported_isas", list)
    assert _core.available_isas() == []
    with pytest.raises(ImportError, match="pip install"):
        _core.load("v2")


def test_only_what_is_installed_is_available(monkeypatch):
    installed = _core.available_isas()
    monkeypatch.setattr(_core._cpu, "supported_isas", lambda: [*installed, "v99"])
    assert _core.available_isas() == installed


def test_unknown_instruction_set_lists_the_choices(monkeypatch):
    choices = ", ".join(_core.available_isas())
    with pytest.raises(ImportError, match=f"must be one of {choices}, got 'v99'"):
        _core.load("v99")
    monkeypatch.setenv("FASTAE_ISA", "v99")
    with pytest.raises(ImportError, match=r"FASTAE_ISA=v99 cannot be used: .*one of"):
        load_again()


def test_package_that_was_not_built_says_how_to_install(monkeypatch):
    monkeypatch.delattr(fastae, "_cpu")
    monkeypatch.setitem(sys.modules, "fastae._cpu", None)
    with pytest.raises(ImportError, match="pip install"):
        load_again()


def test_show_config_names_the_build(capsys):
    fastae.show_config()
    printed = capsys.readouterr().out
    config = get_config()
    for key in ("version", "isa", "compiler", "eigen"):
        assert str(config[key]) in printed
    assert ", ".join(_core.available_isas()) in printed
    assert config["cpus"] >= 1
    assert config["threads"] >= 1


def test_datasets_are_imported_when_first_used():
    code = """if True:
        import sys, fastae
        assert fastae.Autoencoder.__name__ == "Autoencoder"
        assert "fastae.datasets" not in sys.modules
        assert "datasets" in dir(fastae)
        assert fastae.datasets.__name__ == "fastae.datasets"
    """
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="'fastae' has no attribute 'autoencoder'"):
        _ = fastae.autoencoder
