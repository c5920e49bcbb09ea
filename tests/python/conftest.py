"""What the whole test run needs: real data where promised, and a header that names the build."""

from __future__ import annotations

import os

# Before SciPy is imported: scikit-learn skips one of its checks without it.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import pytest

from fastae._config import get_config


def pytest_configure(config):
    # Elsewhere the tests of real data are skipped, and pytest's summary says so; a CI run that
    # skips them would look as green as one that passes them.
    if os.environ.get("CI") and not os.environ.get("FASTAE_DATA"):
        raise pytest.UsageError("FASTAE_DATA must name the folder of the real data sets in CI.")


def pytest_report_header(config):
    build = get_config()
    data = os.environ.get("FASTAE_DATA", "not set: tests of real data are skipped")
    return [
        f"fastae {build['version']}: {build['isa']} of {', '.join(build['available_isas'])}",
        f"built by {build['compiler']}, {build['threads']} threads",
        f"FASTAE_DATA: {data}",
    ]


def pytest_collection_modifyitems(items):
    if "FASTAE_DATA" not in os.environ:
        for item in items:
            if item.get_closest_marker("real_data"):
                item.add_marker(pytest.mark.skip(reason="FASTAE_DATA is not set"))
