"""Values of options, from text: numbers, lists and rules.

What is allowed the estimator knows and says; here nothing is checked a second time.
"""

from __future__ import annotations

import csv
from typing import Any

import typer


def read_number(given: Any) -> Any:
    """Return the number that a text stands for, or else the text."""
    if isinstance(given, str):  # and not a default
        for kind in (int, float):
            try:
                return kind(given)
            except ValueError:
                continue
    return given


def read_sizes(given: Any) -> Any:
    """Return sizes such as ``50,20,50`` as a tuple, ``none`` as an empty one, or else the text."""
    if given == "none":
        return ()
    sizes = tuple(read_number(size) for size in str(given).split(","))
    return sizes if all(isinstance(size, int) for size in sizes) else given


def read_rates(given: Any) -> Any:
    """Return one number, or numbers such as ``0.5,0.2`` as a tuple, or else the text."""
    rates = tuple(read_number(rate) for rate in str(given).split(","))
    return rates[0] if len(rates) == 1 else rates


def read_names(given: Any) -> Any:
    """Return names such as ``zip,"shop, old"`` as a list; ``from_dtype`` as it is."""
    if given == "from_dtype" or not isinstance(given, str):
        return given
    return [name.strip() for name in next(csv.reader([given], skipinitialspace=True), [])]


def read_scores(given: Any) -> Any:
    """Return one name, or names such as ``mse,code_distance`` as a tuple."""
    names = tuple(name.strip() for name in str(given).split(","))
    return names[0] if len(names) == 1 else names


def read_threshold(given: Any) -> Any:
    """Return a number, ``mad`` or ``evt``, or arguments such as ``quantile=0.9`` as a dict."""
    if not isinstance(given, str) or "=" not in given:
        return read_number(given)
    pairs = [pair.partition("=") for pair in given.split(",")]
    return {name.strip(): read_number(value.strip()) for name, _, value in pairs}


def read_decimal(given: str) -> str:
    """Return what stands before the decimals of numbers: a point or a comma."""
    if given not in (".", ","):
        message = f"{given!r} is neither ',' nor '.'"
        raise typer.BadParameter(message)
    return given


def read_delimiter(given: str) -> str:
    """Return what separates fields: one character, also for ``tab``."""
    delimiter = {"tab": "\t", "\\t": "\t"}.get(given, given)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        message = f"{given!r} is not one character such as ',' or ';', nor 'tab'"
        raise typer.BadParameter(message)
    return delimiter


def read_shape(given: str) -> tuple[int, ...]:
    """Return a shape such as ``28x28`` as a tuple."""
    sides = given.lower().replace(",", "x").split("x")
    if not all(side.strip().isdigit() and int(side) > 0 for side in sides):
        message = f"{given!r} is not a shape such as 28x28"
        raise typer.BadParameter(message)
    return tuple(map(int, sides))
