"""Reports: what is on the page, for which tables, and what is refused."""

from __future__ import annotations

import base64
import re
import stat
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastae
from fastae import Autoencoder, AutoencoderClassifier, report
from fastae._report._rows import fingerprint
from fastae.datasets import make_heartbeats

VOID = {"meta", "link", "img", "br"}


TIMES = "\N{MULTIPLICATION SIGN}"


class Reader(HTMLParser):
    """Collects a page's text, tags and table rows, and complains of tags that do not nest."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.tags, self.rows = [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in ("dt", "dd", "td", "th", "p"):
            self.text.append(" ")

    def handle_data(self, data):
        self.text.append(data)
        if self.rows and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def words(self):
        return " ".join("".join(self.text).split())

    def row(self, first, length=0):
        """Return the first row of a table that begins with a word and has so many cells."""
        return next(row for row in self.rows if row[:1] == [first] and len(row) >= length)

    def images(self):
        return [attrs for tag, attrs in self.tags if tag == "img"]


def small(**params):
    return Autoencoder(**{"max_epochs": 5, "random_state": 0, "n_jobs": 1} | params)


def plain_table(n_rows=60, n_columns=4):
    return np.random.default_rng(0).normal(size=(n_rows, n_columns))


def mixed_table(n_rows=80):
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2026-01-01")
    table = pd.DataFrame(
        {
            "price": rng.normal(5, 1, n_rows),
            "colour": rng.choice(["red", "blue"], n_rows, p=[0.75, 0.25]),
            "sold": rng.random(n_rows) > 0.5,
            "day": start + pd.to_timedelta(rng.uniform(0, 9, n_rows), "D"),
            "shape": pd.Categorical(rng.choice([1, 2, 3], n_rows)),
            "always": 7,
        }
    )
    table.loc[::4, "price"] = np.nan
    return table


@pytest.fixture(scope="module")
def beats():
    data = make_heartbeats(n_normal=200, n_anomalies=4, random_state=0).data
    model = Autoencoder(calibration_fraction=0.3, random_state=0, n_jobs=1).fit(data[:150])
    return model, data[150:], np.arange(54) >= 50


@pytest.fixture(scope="module")
def beats_page(beats):
    model, X, y = beats
    return Reader(report(model, X, y=y, title="Heartbeats"))


def test_flagged_rows_and_reasons_are_those_of_the_model(beats, beats_page):
    model, X, _ = beats
    errors = -model.score_samples(X)
    flagged = np.flatnonzero(model.predict(X) == -1)
    assert set(flagged) >= {50, 51, 52, 53}
    listed = [int(row[0]) for row in beats_page.rows if len(row) == 9 and row[0].isdecimal()]
    assert listed == sorted(flagged, key=lambda row: -errors[row])
    row = beats_page.row("50")
    reason = model.explain(X[50:51], top=1)
    assert row[5] == f"column {reason['feature'][0]}"
    assert float(row[1].replace(",", "")) == pytest.approx(errors[50], rel=1e-3)
    assert float(row[2]) == pytest.approx(errors[50] / -model.offset_, rel=0.05)
    assert float(row[3]) == pytest.approx(model.p_values(X[50:51])[0], rel=1e-3)
    assert row[4] == "anomaly"
    assert float(row[6]) == pytest.approx(reason["observed"][0], rel=1e-3)
    assert float(row[7]) == pytest.approx(reason["expected"][0], rel=1e-3)


def test_page_says_how_well_known_anomalies_are_told_apart(beats, beats_page):
    model, X, y = beats
    flagged = model.predict(X) == -1
    assert beats_page.row("anomalies")[1:] == ["4", "0"]
    assert beats_page.row("normal rows")[1:] == [
        str((flagged & ~y).sum()),
        str((~flagged & ~y).sum()),
    ]
    assert "area under the ROC curve 1.0000" in beats_page.words


def test_page_says_how_the_threshold_came_about(beats):
    model, X, _ = beats
    words = Reader(report(model, X)).words
    assert "It is set by the errors of 45 calibration rows: the outer fence" in words
    assert "smallest p-value 0.02174" in words  # 1 / 46
    moved = small().fit(plain_table()).set_threshold(0.5)
    words = Reader(report(moved, plain_table())).words
    assert "above the threshold, 0.5. It was moved by set_threshold after fit." in words
    assert "model.set_threshold(0.5)" in words
    shares = small(contamination=0.1).fit(plain_table())
    words = Reader(report(shares, plain_table())).words
    assert "of 60 training rows: the error that 10 % of them exceed." in words


def test_page_has_pictures_of_curves(beats_page):
    drawn = [attrs["class"] for tag, attrs in beats_page.tags if tag == "figure"]
    assert drawn == [
        "curves", "reconstructions", "heatmap", "ranked", "histogram", "codes", "history",
    ]  # fmt: skip


def test_pictures_of_images_and_places_of_pixels():
    X = np.random.default_rng(0).integers(0, 255, size=(30, 48)).astype(np.uint8)
    page = Reader(report(small().fit(X), X, shape=(4, 4, 3)))
    drawn = [attrs["class"] for tag, attrs in page.tags if tag == "figure"]
    assert drawn == ["reconstructions", "ranked", "histogram", "codes", "weights", "history"]
    assert re.search(r"pixel \([0-3], [0-3], [0-2]\)", page.words)


def test_pictures_are_whole(beats_page):
    for image in beats_page.images():
        kind, data = image["src"].split(";base64,")
        content = base64.b64decode(data, validate=True)
        assert image["alt"]
        if kind == "data:image/svg+xml":
            assert ET.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
        else:
            assert kind == "data:image/png"
            assert content.startswith(b"\x89PNG")
        assert 300 < int(image["width"]) < 1200


def test_columns_of_a_mixed_table():
    X = mixed_table()
    new = X.copy()
    new.loc[3, "colour"] = "green"
    page = Reader(report(small().fit(X), new))
    assert (
        f"pandas DataFrame, 80 rows {TIMES} 6 columns (3 numbers, 2 categories, 1 date)"
        in page.words
    )
    assert "4.2 % of the cells are missing" in page.words  # a quarter of a sixth
    assert "1 column was constant: always." in page.words
    price = page.row("price", 6)
    assert price[2] == "25 %"
    assert price[4] == f"{X['price'].min():.4g}"
    assert price[6] == f"{X['price'].max():.4g}"
    colour = page.row("colour not in fit: green", 6)
    assert colour[3] == "3"
    assert colour[4].startswith("red ")
    assert page.row("day", 6)[4] == str(X["day"].min().round("s"))
    assert page.row("always constant in fit")[4:7] == ["7", "7", "7"]


def test_dates_without_times_take_no_room_for_them():
    X = mixed_table()
    X["until"] = X["day"].dt.round("D")
    html = report(small().fit(X), X)
    page = Reader(html)
    assert page.row("until", 6)[4] == str(X["until"].min().date())
    low = X["day"].min().round("s")
    assert f'<span class="whole">{low.date()}</span> <span class="whole">{low.time()}' in html
    X["day"] = X["day"].dt.normalize() + pd.to_timedelta((np.arange(80) > 0) * 3600, "s")
    assert all(len(cell) == 19 for cell in Reader(report(small().fit(X), X)).row("day", 6)[4:7])


def test_levels_that_hold_commas_are_in_quotes():
    X = mixed_table()
    X["place"] = np.where(np.arange(80) % 4, "Paris, Texas", 'the "old" town')
    X["a, b"] = 1.0
    new = X.copy()
    new.loc[7, "place"] = "Rome, NY"
    page = Reader(report(small().fit(X), new))
    place = page.row('place not in fit: "Rome, NY"', 6)[4]
    assert place.startswith('"Paris, Texas" 74 %, "the \\"old\\" town" 25 %')
    assert '2 columns were constant: always, "a, b".' in page.words


def test_long_names_stay_different():
    beginning, end = "the temperature of the sensor in the ", " part of the building in degrees"
    names = [f"{beginning}{part}{end}" for part in ("north", "south")]
    X = pd.DataFrame(plain_table(60, 2), columns=names)
    page = Reader(report(small().fit(X), X))
    listed = {row[0] for row in page.rows if len(row) == 8 and "degrees" in row[0]}
    assert len(listed) == 2
    assert all(any(part in name for part in ("north", "south")) for name in listed)


def test_dropped_columns_are_called_so():
    X = plain_table()
    X[:, 1] = 5
    page = Reader(report(small(constant_features="drop").fit(X), X))
    assert "1 column was constant, and dropped: column 1." in page.words


def test_model_section(beats, beats_page):
    model, _, _ = beats
    words = beats_page.words
    assert "210 → 15 → 210" in words
    assert beats_page.row("calibration_fraction") == ["calibration_fraction", "0.3", "0.0"]
    n_parameters = sum(
        W.size + b.size for W, b in zip(model.coefs_, model.intercepts_, strict=True)
    )
    assert f"weights and biases {n_parameters:,}" in words
    assert "max_epochs: all epochs done" in words
    last = [row for row in beats_page.rows if len(row) == 5][-1]
    assert float(last[-1]) == pytest.approx(model.history_["training_mse"][-1], rel=1e-4)


def test_snippet_makes_the_same_model(beats, beats_page):
    model, X, _ = beats
    code = re.search(
        r"from fastae import .*?# the training rows", "".join(beats_page.text), re.DOTALL
    )
    train = make_heartbeats(n_normal=200, n_anomalies=4, random_state=0).data[:150]
    namespace = {"X": train}
    exec(code.group(), namespace)  # noqa: S102
    np.testing.assert_array_equal(namespace["model"].score_samples(X), model.score_samples(X))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"random_state": None}, "another training begins with other weights"),
        ({"parallel": "hogwild"}, "No two trainings with parallel='hogwild' are alike"),
        ({}, "it gives the same weights, bit for bit"),
    ],
)
def test_page_says_whether_it_can_be_done_again(params, words):
    X = plain_table(20, 2)
    assert words in Reader(report(small(**params).fit(X), X)).words


def test_what_is_no_literal_is_a_comment():
    X = plain_table(20, 2)
    page = report(small(callback=lambda row: False).fit(X), X)
    code = re.search(r"<pre.*?</pre>", page, re.DOTALL).group()
    assert "    # callback: &lt;function" in code


@pytest.mark.parametrize(
    "convert",
    [
        pytest.param(np.asarray, id="numpy"),
        pytest.param(np.ndarray.tolist, id="list"),
        pytest.param(lambda X: pd.DataFrame(X, columns=list("abcd")), id="pandas"),
        pytest.param(lambda X: pl.DataFrame(X, schema=list("abcd")), id="polars"),
        pytest.param(lambda X: pa.table(dict(zip("abcd", X.T, strict=True))), id="pyarrow"),
        pytest.param(sparse.csr_array, id="csr"),
        pytest.param(sparse.coo_array, id="coo"),
    ],
)
def test_every_kind_of_table(convert):
    X = plain_table()
    X[X < -1.5] = 0.0
    table = convert(X)
    page = Reader(report(small().fit(table), table))
    model = small().fit(X)
    oddest = int(np.argmax(-model.score_samples(X)))
    assert page.row(str(oddest))
    assert f"60 rows {TIMES} 4 columns (4 numbers); no cell is missing" in page.words


@pytest.mark.parametrize(
    "frame",
    [pl.from_pandas, pa.Table.from_pandas, pd.DataFrame],
    ids=["polars", "pyarrow", "pandas"],
)
def test_mixed_tables_of_every_library(frame):
    X = frame(mixed_table())
    page = Reader(report(small().fit(X), X))
    assert page.row("colour", 6)[4].startswith("red ")


def test_tables_of_categories_only():
    X = mixed_table()[["colour", "shape"]]
    page = Reader(report(small().fit(X), X))
    assert "2 columns (2 categories)" in page.words


@pytest.mark.parametrize(
    "X",
    [
        pytest.param(plain_table()[:1], id="one row"),
        pytest.param(plain_table()[:, :1], id="one column"),
        pytest.param(np.full((60, 3), 5.0), id="constant"),
        pytest.param(np.where(np.eye(60, 4) > 0, np.nan, plain_table()), id="gaps"),
        pytest.param(np.where(np.arange(60)[:, None] == 3, np.nan, plain_table()), id="empty row"),
        pytest.param(np.where(np.arange(4) == 2, np.nan, plain_table()), id="empty column"),
    ],
)
def test_unusual_tables(X):
    assert "Do it again" in Reader(report(small().fit(X), X)).words


def test_unusual_models():
    X = plain_table()
    shallow = small(hidden_layer_sizes=()).fit(X)
    assert "4 → 4" in Reader(report(shallow, X)).words
    stream = small().partial_fit(X).partial_fit(X)
    assert "of 120 training rows" in Reader(report(stream, X)).words
    model = small(scaling="range").fit(X)
    taken = Autoencoder._assembled(
        coefs=model.coefs_, intercepts=model.intercepts_, shift=model.shift_, scale=model.scale_,
        scaling="range",
    )  # fmt: skip
    words = Reader(report(taken, X)).words
    assert "nobody has set a threshold" in words
    assert "No row is above the threshold" in words
    assert "there is no history" in words


def test_other_anomaly_scores_are_named():
    X = plain_table()
    model = small(anomaly_score="mahalanobis").fit(X)
    assert "its error (anomaly score: mahalanobis)" in Reader(report(model, X)).words


def test_wide_and_long_tables_are_shortened():
    X = plain_table(12_000, 2)
    words = Reader(report(small(max_epochs=1).fit(X), X)).words
    assert "by 6,000 evenly spaced rows" in words
    assert f"12,000 rows {TIMES} 2 columns" in words
    X = plain_table(30, 300)
    page = Reader(report(small().fit(X), X))
    assert "The 100 columns with the largest errors" in page.words
    assert sum(len(row) == 8 and row[0].startswith("column ") for row in page.rows) == 100


def test_at_most_top_rows_are_listed():
    X = plain_table()
    model = small(contamination=0.5).fit(X)
    words = Reader(report(model, X, top=4)).words
    assert "The 4 of 30 flagged rows with the largest errors" in words


def test_equal_tables_have_equal_fingerprints():
    X = plain_table().astype(np.float32)
    frame = pd.DataFrame(X)
    same = {fingerprint(table) for table in (X, X.astype(np.float64), np.asfortranarray(X), frame)}
    assert len(same) == 1
    mixed = mixed_table().drop(columns="shape")  # which polars takes for numbers
    assert fingerprint(mixed) == fingerprint(pl.from_pandas(mixed))
    assert fingerprint(sparse.csr_array(X)) == fingerprint(sparse.coo_array(X))
    for other in (X[::-1], X[:, ::-1], X[:59], X.T, np.nextafter(X, np.float32(9))):
        assert fingerprint(other) not in same
    changed = mixed.copy()
    changed.loc[0, "colour"] = "blue" if mixed.loc[0, "colour"] == "red" else "red"
    assert fingerprint(changed) != fingerprint(mixed)


def test_file_is_the_page(tmp_path, beats):
    model, X, _ = beats
    path = tmp_path / "report.html"
    path.write_text("old")
    path.chmod(0o640)
    html = report(model, X, path)
    assert path.read_text(encoding="utf-8") == html
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]
    assert len(html) < 2_000_000


def test_failed_reports_leave_the_file(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(ValueError, match="y must have one label"):
        report(small().fit(plain_table()), plain_table(), path, y=[1])
    assert path.read_text() == "old"
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        report(small().fit(plain_table()), plain_table(), tmp_path / "none" / "report.html")


EVIL = [
    "<script>document.title='run'</script>",
    '"><img src=x onerror="document.title=\'run\'">',
    "</style></title>{{ 7 * 7 }}",
    "$\\frac{$ a\x00b\u202ec\n-->",
    "Größe 尺寸 😀",
]


@pytest.fixture(scope="module")
def evil():
    X = pd.DataFrame(plain_table(60, 5), columns=EVIL, index=["<u>row</u>"] * 60)
    X["<i>level</i>"] = np.where(np.arange(60) % 2, "<script>1</script>", "&amp;")
    return small(hidden_layer_sizes=2, verbose=0).fit(X), X


def test_names_and_cells_are_only_text(evil):
    html = report(*evil, title="<script>alert(1)</script>")
    page = Reader(html)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "u", "i", "iframe", "object", "form"}
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert all(attrs["src"].startswith("data:image/") for attrs in page.images())
    for name in (*EVIL[:3], EVIL[4], "<i>level</i>"):
        assert name in page.words
    assert "a\\x00b\\u202ec" in page.words
    assert "\x00" not in html
    assert "49" not in re.sub(r"\d+\.\d+|\d{3,}", "", page.row(EVIL[2])[0])
    # Nothing is run or fetched even if something slipped through.
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_pictures_of_such_names_are_whole(evil):
    test_pictures_are_whole(Reader(report(*evil)))


def test_page_refers_to_nothing_outside(beats):
    model, X, y = beats
    page = Reader(report(model, X, y=y))
    addresses = [attrs[name] for _, attrs in page.tags for name in ("src", "href") if name in attrs]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    style = "".join(page.text)
    assert "@import" not in style
    assert "url(" not in style


def test_refusals(beats):
    model, X, _ = beats
    table = plain_table()
    labels = np.arange(60) % 2
    with pytest.raises(TypeError, match=r"report is about a fastae.Autoencoder .* AutoencoderCl"):
        report(AutoencoderClassifier(max_epochs=1).fit(table, labels), table)
    with pytest.raises(TypeError, match="of a pipeline, give the last step"):
        report(make_pipeline(StandardScaler(), small()).fit(table), table)
    with pytest.raises(TypeError, match="the class Autoencoder"):
        report(Autoencoder, table)
    with pytest.raises(NotFittedError):
        report(Autoencoder(), table)
    with pytest.raises(TypeError, match="which a scan does not keep"):
        report(model, fastae.scan([table]))
    with pytest.raises(ValueError, match="X has 4 features"):
        report(model, table)
    with pytest.raises(ValueError, match="top must be"):
        report(model, X, top=0)
    with pytest.raises(TypeError, match="title must be None or a str, got 3"):
        report(model, X, title=3)
    with pytest.raises(ValueError, match="shape must be that of 210 columns"):
        report(model, X, shape=(14, 14))
    with pytest.raises(
        ValueError, match=r"y must have one label for each of 54 rows, got shape \(3,\)"
    ):
        report(model, X, y=[0, 1, 0])
    with pytest.raises(ValueError, match="or -1 for anomalies and 1 for normal rows, got 2"):
        report(model, X, y=np.full(54, 2))
    mixed = mixed_table()
    with pytest.raises(TypeError, match="shape is for tables of numbers"):
        report(small().fit(mixed), mixed, shape=(2, 3))


@pytest.mark.parametrize("name", ["jinja2", "matplotlib"])
def test_missing_libraries_are_named(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install fastae\[report\]"):
        report(small().fit(plain_table()), plain_table())


@pytest.mark.parametrize("y", [[-1, 1] * 30, [True, False] * 30, [1, 0] * 30])
def test_labels_of_every_convention(y):
    X = plain_table()
    words = Reader(report(small().fit(X), X, y=y)).words
    assert "known anomalies 30 of 60 rows" in words
