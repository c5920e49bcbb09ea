"""Sphinx: the pages of this folder and the docstrings as HTML.

sphinx-build -W --keep-going -n docs build/docs
"""

from __future__ import annotations

import re
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from sphinx.domains.python import PyXRefRole

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "fastae"
author = "the fastae developers"
copyright = author  # noqa: A001
version = release = _version("fastae")

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
html_theme = "furo"
html_title = f"fastae {version}"
html_copy_source = False

# Links to headings of a page, as code hosts have them.
myst_heading_anchors = 3

autodoc_typehints = "none"  # docstrings say more, with shapes
autodoc_member_order = "groupwise"
autodoc_default_options = {"members": True, "inherited-members": "DataFrame"}
numpydoc_show_class_members = False  # autodoc shows them in full
numpydoc_class_members_toctree = False

# `name` in a docstring links to what it names, if that is a documented object, and else is code.
default_role = "py:name"
nitpick_ignore_regex = [
    ("py:name", ".*"),
    ("py:.*", r"(numpy|pandas|scipy|sklearn)\..*"),  # a build needs no network to look them up
]


def _link_files(_app: Sphinx, _name: str, source: list[str]) -> None:
    """Copy the files outside this folder that pages link to; Sphinx knows no pages there."""
    source[0] = re.sub(r"\]\((\.\./[^)#]+)\)", r"](path:\1)", source[0])


def _is_foreign(_app: Sphinx, _what: str, _name: str, member: Any, *_: Any) -> bool | None:
    """Leave out what classes inherit from other packages, whose docstrings are theirs."""
    function = member.fget if isinstance(member, property) else member
    module = getattr(function, "__module__", None) or "fastae"
    return None if module.partition(".")[0] == "fastae" else True


def setup(app: Sphinx) -> None:
    """Register what is above."""
    app.add_role_to_domain("py", "name", PyXRefRole())
    app.connect("autodoc-skip-member", _is_foreign)
    app.connect("source-read", _link_files)
