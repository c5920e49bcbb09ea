"""A real browser opens reports: nothing fails to load, nothing is run, and there is much to see.

Needs Chromium or Chrome on the path, or the environment variable ``FASTAE_BROWSER``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

from fastae import Autoencoder, report

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = os.environ.get("FASTAE_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome to open it")

DESKTOP, PHONE = (1280, 2400), (500, 2400)  # 500 is as narrow as a headless window gets
# Written into a copy of the page, which without its policy may run it: what the browser made of it.
PROBE = """<script>
addEventListener("load", () => {
  const broken = [...document.images].filter((image) => !image.naturalWidth).length;
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const loaded = performance.getEntriesByType("resource").filter(
    (entry) => !entry.name.startsWith("data:")).length;
  document.title = `images ${document.images.length} broken ${broken} too-wide ${wide} ` +
    `loaded ${loaded}`;
});
</script></body>"""


def browse(page, *options):
    """Run the browser on a page, without any network; return what it prints and complains of."""
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={page.parent / 'profile'}", "--enable-logging=stderr",
        *options, page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def evil_names():
    X = np.random.default_rng(0).normal(size=(60, 3))
    names = ["<script>document.title='run'</script>", "<img src=x onerror=alert(1)>", "a\x00-->b"]
    return pd.DataFrame(X, columns=names), {}


def cancer():
    data = load_breast_cancer(as_frame=True)
    return data.data, {"y": data.target == 0}


def digits():
    return load_digits().data, {"shape": (8, 8)}


@pytest.fixture(scope="module", params=[digits, cancer, evil_names], ids=lambda f: f.__name__)
def page(request, tmp_path_factory):
    X, options = request.param()
    model = Autoencoder(hidden_layer_sizes=3, max_epochs=10, random_state=0, n_jobs=1).fit(X)
    path = tmp_path_factory.mktemp("report") / "report.html"
    report(model, X, path, title="What was found", **options)
    return path


def test_browser_builds_the_whole_page(page):
    dom, complaints = browse(page, "--dump-dom")
    assert complaints == []
    assert "<title>What was found</title>" in dom  # no script has changed it
    html = page.read_text(encoding="utf-8")
    for tag in ("<section", "<table", "<figure", "<tr", "<img "):
        assert dom.count(tag) == html.count(tag) > 0
    assert 'id="again"' in dom


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pictures_load_and_nothing_sticks_out(page, size):
    html = page.read_text(encoding="utf-8")
    copy = page.with_name("probed.html")
    without_policy = re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', "", html)
    copy.write_text(without_policy.replace("</body>", PROBE), encoding="utf-8")
    dom, complaints = browse(copy, "--dump-dom", f"--window-size={size[0]},{size[1]}")
    assert complaints == []
    n_images = html.count("<img ")
    assert f"<title>images {n_images} broken 0 too-wide 0 loaded 0</title>" in dom


def test_policy_lets_no_script_run(page):
    html = page.read_text(encoding="utf-8")
    copy = page.with_name("guarded.html")
    script = "<script>document.title = 'run'</script></body>"
    copy.write_text(html.replace("</body>", script), encoding="utf-8")
    dom, complaints = browse(copy, "--dump-dom")
    assert "<title>What was found</title>" in dom
    assert any("Content Security Policy" in line for line in complaints)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_screenshot_shows_text_tables_and_pictures(page, size, dark):
    target = page.with_name("screenshot.png")
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    width, height = size
    browse(page, f"--window-size={width},{height}", f"--screenshot={target}", *scheme)
    pixels = matplotlib.image.imread(target)[..., :3]
    assert pixels.shape[:2] == (height, width)
    # The margin is paper, which is light or dark; ink on it all the way down.
    paper = pixels[2, 2]
    assert (paper.mean() > 0.9) != dark
    inked = (np.abs(pixels - paper).max(axis=2) > 0.3).reshape(8, height // 8, width)
    assert (inked.mean(axis=(1, 2)) > 0.005).all()
