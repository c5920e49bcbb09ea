"""Windows of equally many rows, and samples, of a table that comes in batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastae._readahead import ReadAhead
from fastae._windows import sample_rows, windows


def table(n):
    rng = np.random.default_rng(0)
    codes = rng.integers(-1, 5, (n, 2)).astype(np.int32)
    return rng.normal(size=(n, 3)), codes, np.arange(float(n))


def split(parts, sizes):
    """Cut arrays into batches of these sizes and a rest."""
    ends = np.cumsum(sizes)
    return list(zip(*(np.split(part, ends[ends <= len(part)]) for part in parts), strict=True))


sizes = st.lists(st.integers(0, 30), max_size=12)


@settings(max_examples=60, deadline=None)
@given(sizes=sizes, rows=st.integers(1, 40), n=st.integers(0, 100))
def test_windows_are_the_table_in_equal_pieces(sizes, rows, n):
    parts = table(n)
    made = [tuple(map(np.copy, window)) for window in windows(split(parts, sizes), rows)]
    lengths = [len(window[0]) for window in made]
    assert lengths == [rows] * (n // rows) + [n % rows] * (n % rows > 0)
    for index, part in enumerate(parts):
        for window in made:
            assert window[index].flags.c_contiguous
            assert window[index].dtype == part.dtype
        if made:
            np.testing.assert_array_equal(np.concatenate([w[index] for w in made]), part)


def test_two_buffers_are_filled_in_turn():
    X = np.arange(24.0).reshape(12, 2)
    iterator = windows(np.array_split(X, 5), 3)
    (one,), (two,) = next(iterator), next(iterator)
    np.testing.assert_array_equal(one, X[:3])  # still there while the second one is
    np.testing.assert_array_equal(two, X[3:6])
    (three,), (four,) = next(iterator), next(iterator)
    assert three is one
    assert four is two


def test_a_table_of_one_window_needs_one_buffer(monkeypatch):
    made = []
    empty = np.empty
    monkeypatch.setattr(np, "empty", lambda *args: made.append(args) or empty(*args))
    (window,) = windows(np.array_split(np.ones((10, 2)), 3), 10)
    assert window[0].shape == (10, 2)
    assert len(made) == 1


def test_a_window_in_use_is_not_written_to_when_the_next_is_made_ahead():
    X = np.arange(3000.0)[:, np.newaxis]
    batches = np.array_split(X, 70)
    with ReadAhead(lambda: windows(batches, 100), prefetch=1) as reader:
        for index, (window,) in enumerate(reader):
            for _ in range(20):
                np.testing.assert_array_equal(window, X[100 * index : 100 * index + 100])
    assert index == 29


def test_fortran_order_and_strides_become_c_order():
    X = np.asfortranarray(np.arange(40.0).reshape(10, 4))
    (window,) = windows([X[:5, ::2], X[5:, ::2]], 20)
    assert window[0].flags.c_contiguous
    np.testing.assert_array_equal(window[0], X[:, ::2])


def test_batches_settle_the_types():
    batches = [np.empty((0, 1), np.float64), np.ones((2, 1), np.float32), np.ones((2, 1), np.int16)]
    (window,) = windows(batches, 9)
    assert window[0].dtype == np.float32
    assert sample_rows(batches, 9)[0].dtype == np.float32


def test_types_become_wider_with_a_batch_that_needs_it():
    X = np.arange(30)[:, np.newaxis]
    batches = [X[:8].astype(np.int8), X[8:16], X[16:20], X[20:] + 0.5]
    expected = np.concatenate(batches)
    made = [window[0] for window in windows((batch.copy() for batch in batches), 5)]
    assert [window.dtype for window in made[:2]] == [np.int8, np.int64]
    assert [window.dtype for window in made[-2:]] == [np.float64, np.float64]
    # The first two are still in their buffers, which are others now.
    np.testing.assert_array_equal(made[0], X[:5])
    copies = [window[0].copy() for window in windows(batches, 5)]
    np.testing.assert_array_equal(np.concatenate(copies), expected)
    for n in (5, 40):
        sample = sample_rows(batches, n, seed=3)[0]
        np.testing.assert_array_equal(sample, sample_rows([expected], n, seed=3)[0])
        assert sample.dtype == np.float64


def test_types_can_be_named():
    batches = [np.ones((2, 1), np.int64), np.full((2, 1), 1.5)]
    (window,) = windows(batches, 9, dtypes=[np.float32])
    assert window[0].dtype == np.float32
    assert window[0][:, 0].tolist() == [1, 1, 1.5, 1.5]
    with pytest.raises(ValueError, match="Batch 1 holds float64, which does not fit into int32"):
        list(windows(batches, 9, dtypes=[np.int32]))
    with pytest.raises(ValueError, match="dtypes must name one per array of a batch, 1, got"):
        list(windows(batches, 9, dtypes=[np.float32, np.int32]))


@pytest.mark.parametrize("function", [windows, sample_rows])
@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([(np.ones((2, 1)), np.ones(3))], r"batch 0 must have equally many rows, got shapes \(2"),
        ([np.float64(1)[...]], "batch 0 must have equally many rows"),
        ([()], "batch 0 must have equally many rows"),
        ([np.ones((2, 1)), np.ones((2, 2))], r"Batch 1 has arrays with rows of shape \[\(2,\)\]"),
        ([np.ones((2, 1)), (np.ones((2, 1)), np.ones(2))], "Batch 1 has arrays with rows"),
    ],
)
def test_batches_must_be_alike(function, batches, message):
    with pytest.raises(ValueError, match=message):
        list(function(batches, 5))


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_counts_must_be_positive(count):
    with pytest.raises(ValueError, match=f"rows must be an integer of at least 1, got {count}"):
        next(windows([], count))
    with pytest.raises(ValueError, match=f"n must be an integer of at least 1, got {count}"):
        sample_rows([], count)


def test_batches_are_closed_at_the_end_and_when_abandoned():
    closed = []

    def batches():
        try:
            while True:
                yield np.ones((5, 1))
        finally:
            closed.append(True)

    iterator = windows(batches(), 3)
    next(iterator)
    iterator.close()
    assert closed == [True]


@settings(max_examples=60, deadline=None)
@given(sizes=sizes, n=st.integers(1, 30), n_rows=st.integers(0, 150), seed=st.integers(0, 99))
def test_a_sample_does_not_depend_on_the_batches(sizes, n, n_rows, seed):
    parts = table(n_rows)
    whole = sample_rows([parts], n, seed=seed)
    pieces = sample_rows(split(parts, sizes), n, seed=seed)
    assert len(whole) == len(pieces) == (3 if n_rows else 0)
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.flags.c_contiguous
    if n_rows:
        numbers, codes, rows = whole
        assert len(rows) == min(n, n_rows)
        assert (np.diff(rows) > 0).all()  # different ones, in order
        np.testing.assert_array_equal(numbers, parts[0][rows.astype(int)])
        np.testing.assert_array_equal(codes, parts[1][rows.astype(int)])


def test_each_row_is_as_likely_in_a_sample():
    # 100 of 1000 rows, 400 times: each is drawn 40 times, with a standard deviation of 6.
    rows = [np.arange(1000)]
    counts = np.zeros(1000)
    for seed in range(400):
        (sample,) = sample_rows(rows, 100, seed=seed)
        counts[sample] += 1
    chi2 = ((counts - 40) ** 2 / 36).sum()
    assert 1000 - 4 * 2000**0.5 < chi2 < 1000 + 4 * 2000**0.5
    quarters = counts.reshape(4, 250).sum(axis=1)
    assert (abs(quarters - 10000) < 5 * (10000 * 0.75) ** 0.5).all()


def test_a_sample_of_a_few_rows_of_many():
    rows = [np.arange(2_000_000)]
    firsts = [int(sample_rows(rows, 1, seed=seed)[0][0]) for seed in range(60)]
    assert len(set(firsts)) == 60
    assert 0.35 < np.mean(firsts) / 2e6 < 0.65


def test_seeds_draw_different_rows():
    one, two = (sample_rows([np.arange(1000)], 20, seed=seed)[0] for seed in (1, (1, 2)))
    assert not np.array_equal(one, two)
