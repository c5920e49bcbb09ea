"""Colours can be told apart by everybody, and red is red."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from fastae.plot._style import BLUE, GREY, INK, ORANGE, RED, SKY

# Machado, Oliveira and Fernandes 2009: how people without one kind of cones see linear RGB.
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
    "none": np.eye(3),
}  # fmt: skip
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color):
    shares = np.array(mpl.colors.to_rgb(color))
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def cielab(light):
    X, Y, Z = np.cbrt(np.clip(TO_XYZ @ np.clip(light, 0, 1) / [0.9505, 1.0, 1.089], 1e-3, None))
    return np.array([116 * Y - 16, 500 * (X - Y), 200 * (Y - Z)])


@pytest.mark.parametrize("kind", BLINDNESS)
def test_everybody_can_tell_the_colours_apart(kind):
    def distance(one, other):
        one, other = (cielab(BLINDNESS[kind] @ linear(color)) for color in (one, other))
        return np.linalg.norm(one - other)

    # Curves, dots and bars of these colours are in one picture; 2 is what is seen at all.
    for color in (BLUE, SKY, GREY, INK):
        assert distance(RED, color) > 40, color
    assert distance(BLUE, ORANGE) > 60


def test_what_is_flagged_is_red_and_legible():
    hue = mpl.colors.rgb_to_hsv(mpl.colors.to_rgb(RED))[0] * 360
    assert min(hue, 360 - hue) < 15  # orange begins at 20
    luminance = TO_XYZ[1] @ linear(RED)
    assert 1.05 / (luminance + 0.05) > 4.5  # the contrast that WCAG asks of text on white
