"""What notebooks show: diagrams with layers, tables, a bar while training, and no complaints."""

from __future__ import annotations

import logging
import sys
import types
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn import config_context, set_config
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor
from fastae._log import NotebookHandler, Step, show_log

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2
SMALL = {"hidden_layer_sizes": 2, "max_epochs": 3, "random_state": 0, "n_jobs": 1}

ESTIMATORS = pytest.mark.parametrize(
    "kind", [Autoencoder, AutoencoderClassifier, AutoencoderRegressor]
)


class Cells(HTMLParser):
    """The text of all cells of the tables of a page that `summary` and `history_` make."""

    def __init__(self, html):
        super().__init__()
        self.found, self.inside, self.in_cell = [], False, False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.inside = dict(attrs).get("class") == "fastae-table"
        self.in_cell = self.inside and tag in ("td", "th")
        if self.in_cell:
            self.found.append("")

    def handle_endtag(self, tag):
        self.in_cell = False

    def handle_data(self, data):
        if self.in_cell:
            self.found[-1] += data


def layers_in(html):
    """Return the types of layers that HTML shows."""
    types = ("input", "tanh", "relu", "identity", "softmax")
    return [cell for cell in Cells(html).found if cell in types]


@ESTIMATORS
def test_diagrams_of_fitted_estimators_show_the_layers(kind):
    model = kind(**SMALL)
    assert "sk-top-container" in model._repr_html_()
    assert layers_in(model._repr_html_()) == []
    model.fit(X, Y)
    for html in (model._repr_html_(), model._repr_mimebundle_()["text/html"]):
        assert html.count("sk-top-container") == kind(**SMALL)._repr_html_().count(
            "sk-top-container"
        )
        assert layers_in(html) == model.summary()["type"].tolist()
    assert model._repr_mimebundle_()["text/plain"] == repr(model)


def test_text_is_all_where_scikit_learn_is_told_so():
    model = Autoencoder(**SMALL).fit(X)
    with config_context(display="text"):
        assert list(model._repr_mimebundle_()) == ["text/plain"]
        assert not hasattr(model, "_repr_html_")
    set_config(display="diagram")
    assert hasattr(model, "_repr_html_")


def test_diagrams_of_pipelines_are_scikit_learns():
    pipeline = make_pipeline(StandardScaler(), Autoencoder(**SMALL)).fit(X)
    html = pipeline._repr_html_()
    assert "StandardScaler" in html
    assert layers_in(html) == []


def test_tables_scroll_rather_than_widen_the_notebook():
    model = Autoencoder(**SMALL).fit(X)
    for table in (model.history_, model.summary()):
        assert table._repr_html_().startswith('<div style="overflow-x: auto">')
        assert Cells(table._repr_html_()).found[: len(table)] == list(table)


# ---------------------------------------------------------------- the bar


class Shown:
    """What IPython would show: one list of bundles per display."""

    def __init__(self):
        self.displays = []

    def display(self, bundle, *, raw, display_id):
        assert raw
        assert display_id
        self.displays.append([bundle])
        shown = self.displays[-1]
        return types.SimpleNamespace(update=lambda bundle, raw: shown.append(bundle))


@pytest.fixture
def log(monkeypatch):
    """The package's logger as in a fresh interpreter, where nobody has set up logging."""
    fresh = logging.Logger("fastae")  # noqa: LOG001
    for module in ("_log", "_constant", "_training"):
        monkeypatch.setattr(f"fastae.{module}.logger", fresh)
    return fresh


@pytest.fixture
def notebook(monkeypatch, log):
    """A notebook's IPython."""
    shown = Shown()
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: types.SimpleNamespace(kernel=None)
    module.display = types.ModuleType("IPython.display")
    module.display.display = shown.display
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", module.display)
    return shown


def test_training_writes_over_one_line_with_a_bar(notebook, capsys):
    model = Autoencoder(verbose=1, **SMALL).fit(X)
    assert len(notebook.displays) == 1
    lines = [bundle["text/plain"] for bundle in notebook.displays[0]]
    assert len(lines) == model.history_.n_rows
    assert lines[0].startswith("epoch 0/3: training MSE ")
    assert lines[-1].startswith(f"epoch 3/3: training MSE {model.history_['training_mse'][-1]:.6g}")
    bars = [bundle["text/html"] for bundle in notebook.displays[0]]
    assert '<progress max="1" value="0">' in bars[0]
    assert '<progress max="1" value="1">' in bars[-1]
    assert capsys.readouterr() == ("", "")
    model.fit(X)
    assert len(notebook.displays) == 2


def test_ends_before_their_time_are_named(notebook):
    Autoencoder(**SMALL | {"verbose": 1, "max_epochs": 500, "target_mse": 1e9}).fit(X)
    last = notebook.displays[0][-1]
    assert last["text/plain"].endswith(", ended by target_mse")
    assert 'value="1"' in last["text/html"]


def test_time_left(notebook, log, monkeypatch):
    clock = iter([100.0, 100.0, 130.0])
    monkeypatch.setattr("fastae._log.time.monotonic", lambda: next(clock))
    run = Shown()
    show_log()
    for done in (0.0, 2.0):
        log.info("epoch %g", done, extra={"fastae_step": Step(run, done, 8.0)})
    assert [bundle["text/plain"] for bundle in notebook.displays[0]] == [
        "epoch 0", "epoch 2, 90 s left",
    ]  # fmt: skip


def test_other_lines_go_to_standard_output(notebook, capsys):
    constant = np.column_stack([X, np.ones(40)])
    Autoencoder(verbose=1, **SMALL).fit(constant)
    assert capsys.readouterr() == ("constant columns (1), kept: 3\n", "")


def test_outside_of_notebooks_lines_go_to_standard_error(log, capsys, monkeypatch):
    terminal = types.ModuleType("IPython")
    terminal.get_ipython = object  # a shell without a kernel
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    Autoencoder(verbose=1, **SMALL).fit(X)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("epoch 0/3: training MSE ")


def test_logging_that_is_set_up_is_left_alone(notebook, log, caplog):
    log.addHandler(caplog.handler)
    Autoencoder(verbose=1, **SMALL).fit(X)
    assert notebook.displays == []
    assert caplog.messages[0].startswith("epoch 0/3: training MSE ")


def test_a_display_that_fails_does_not_end_a_training(notebook, log, capsys):
    notebook.displays = None
    Autoencoder(verbose=1, **SMALL).fit(X)
    assert "--- Logging error ---" in capsys.readouterr().err
    assert isinstance(log.handlers[0], NotebookHandler)


# ---------------------------------------------------------------- a real kernel

CELLS = """\
import numpy as np
from fastae import Autoencoder, AutoencoderClassifier, report
X = np.random.default_rng(0).normal(size=(500, 4))
X[:, 3] = 1
--
model = Autoencoder(hidden_layer_sizes=2, verbose=1, random_state=0, n_jobs=1)
model.fit(X)
--
model.fit(X);
--
model.history_
--
model.summary()
--
AutoencoderClassifier(max_epochs=2, n_jobs=1).fit(X, X[:, 0] > 0)
--
html = report(model, X)
"""


@pytest.mark.slow
def test_a_notebook_in_a_real_kernel():
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    nbformat = pytest.importorskip("nbformat")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.split("--\n")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the client's own; the kernel's stand in the notebook
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [cell.outputs for cell in notebook.cells]
    streams = [out for outs in outputs for out in outs if out.output_type == "stream"]
    assert {stream.name for stream in streams} == {"stdout"}
    assert {stream.text.strip() for stream in streams} == {"constant columns (1), kept: 3"}

    bars = [out for out in outputs[1] if out.output_type == "display_data"]
    assert len(bars) == 1
    assert bars[0].data["text/plain"].startswith("epoch 100/100: training MSE ")
    assert sum(out.output_type == "display_data" for out in outputs[2]) == 1

    shown = [outs[-1].data["text/html"] for outs in (outputs[i] for i in (1, 3, 4, 5))]
    assert layers_in(shown[0]) == ["input", "tanh", "identity"]
    assert "training_mse" in Cells(shown[1]).found
    assert layers_in(shown[2]) == ["input", "tanh", "identity"]
    assert layers_in(shown[3])[0] == "input"
    assert outputs[6] == []
