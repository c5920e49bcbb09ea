"""Windows of time series, and errors back at the points of time."""

from __future__ import annotations

import numpy as np
import pytest

from fastae import Autoencoder
from fastae.series import point_errors, sliding_windows


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("stride", [1, 2, 7])
@pytest.mark.parametrize("n_channels", [None, 1, 3])
def test_windows_are_the_points_one_after_another(n_channels, stride, dtype):
    shape = 50 if n_channels is None else (50, n_channels)
    points = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    windows = sliding_windows(points, 8, stride)
    expected = [points[i : i + 8].ravel() for i in range(0, 43, stride)]
    np.testing.assert_array_equal(windows, expected)
    assert windows.dtype == dtype
    assert np.shares_memory(windows, points)
    assert not windows.flags.writeable


def test_a_list_or_a_column_of_a_table_will_do():
    table = np.arange(12.0).reshape(6, 2)
    windows = sliding_windows(table[:, 1], 2)
    np.testing.assert_array_equal(windows, [[1, 3], [3, 5], [5, 7], [7, 9], [9, 11]])
    assert sliding_windows([1, 2, 3], 3).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("stride", [1, 3, 8, 11])
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("per_cell", [False, True])
def test_a_point_has_the_mean_error_of_its_windows(n_channels, stride, per_cell):
    rng = np.random.default_rng(0)
    n_windows = (60 - 8) // stride + 1
    errors = rng.random((n_windows, 8 * n_channels) if per_cell else n_windows)
    errors[3] = np.nan
    expected = np.full((60, n_channels), np.nan)
    for point in range(60):
        for channel in range(n_channels):
            found = [
                errors[w, (point - w * stride) * n_channels + channel] if per_cell else errors[w]
                for w in range(n_windows)
                if 0 <= point - w * stride < 8
            ]
            if not np.isnan(found).all():
                expected[point, channel] = np.nanmean(found)
    if n_channels == 1 or not per_cell:
        expected = expected[:, 0]
    np.testing.assert_allclose(point_errors(errors, 60, 8, stride), expected, rtol=1e-12)


def test_a_wave_that_stumbles_is_found_where_it_does():
    time = np.arange(4000.0)
    record = np.sin(time / 8)
    record[3000:3050] = np.sin(time[3000:3050] / 4)
    train = sliding_windows(record[:2000], 50, 3)
    model = Autoencoder(hidden_layer_sizes=4, activation="identity", random_state=0).fit(train)
    windows = sliding_windows(record, 50, 3)
    for per_feature in (False, True):
        errors = model.reconstruction_error(windows, per_feature=per_feature)
        at_points = point_errors(errors, record.size, 50, 3)
        stumble = at_points[3000:3050].mean()
        assert 2990 < np.nanargmax(at_points) < 3060
        assert stumble > 100 * at_points[:2900].mean()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sliding_windows(np.zeros((2, 2, 2)), 2), r"series must have shape .*\(2, 2, 2\)"),
        (lambda: sliding_windows([], 2), "series must have shape"),
        (lambda: sliding_windows([1, 2], 3), "at least width=3 points, got 2"),
        (lambda: sliding_windows([1, 2], 0), "width must be a whole number >= 1, got 0"),
        (lambda: sliding_windows([1, 2], 1, 0.5), "stride must be a whole number >= 1, got 0.5"),
        (lambda: point_errors([1, 2], 6, 3), r"one row per window, 4 for 6 points.*\(2,\)"),
        (lambda: point_errors(np.zeros((4, 5)), 6, 3), "multiple of width=3 columns, got 5"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
