"""What sparse matrices store, and how: values of all types, and those that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from fits import assert_same_fit, assert_same_weights, assert_unchanged, snapshot
from sparserows import FORMATS, N_COLUMNS, N_ROWS, assert_alike, model, rows


def parts(matrix):
    return [part.copy() for part in (matrix.data, matrix.indices, matrix.indptr)]


def assert_untouched(matrix, before):
    for part, was in zip((matrix.data, matrix.indices, matrix.indptr), before, strict=True):
        np.testing.assert_array_equal(part, was)
        assert part.dtype == was.dtype


def unsorted(X):
    """Return the matrix with the columns of every row in descending order."""
    X = sparse.csr_array(X)
    data, indices = X.data.copy(), X.indices.copy()
    for start, end in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        data[start:end] = data[start:end][::-1]
        indices[start:end] = indices[start:end][::-1]
    return sparse.csr_array((data, indices, X.indptr), shape=X.shape)


def doubled(X):
    """Return the matrix with every value stored as two halves."""
    X = sparse.csr_array(X)
    return sparse.csr_array(
        (np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape
    )


def with_int64(X):
    X = sparse.csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def read_only(X):
    X = sparse.csr_array(X)
    for part in (X.data, X.indices, X.indptr):
        part.flags.writeable = False
    return X


@pytest.mark.parametrize("change", [unsorted, doubled, with_int64, read_only])
@pytest.mark.parametrize("drop", [False, True])
def test_how_rows_are_stored_makes_no_difference(change, drop):
    options = {"constant_features": "drop" if drop else "keep"}
    X = rows()
    given = change(X)
    before = parts(given)
    fitted = model(**options).fit(given)
    assert_untouched(given, before)
    assert_same_fit(fitted, model(**options).fit(sparse.csr_array(X)))
    np.testing.assert_array_equal(fitted.score_samples(given), fitted.score_samples(X))
    fitted.partial_fit(given)
    assert_untouched(given, before)


def test_explicit_zeros_are_zeros():
    X = rows()
    matrix = sparse.csr_array(X)
    zeros = matrix.copy()
    zeros.data[::3] = 0.0
    given, cleaned = zeros.copy(), zeros.copy()
    cleaned.eliminate_zeros()
    assert given.nnz > cleaned.nnz
    fitted = model().fit(given)
    assert_alike(fitted, model().fit(cleaned))
    np.testing.assert_array_equal(fitted.score_samples(given), fitted.score_samples(cleaned))
    assert given.nnz == zeros.nnz


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "int32", "int64", "uint64",
                                   "float32", "float64", "longdouble"])  # fmt: skip
def test_every_type_of_values(dtype):
    X = rows("uint8") if np.dtype(dtype).kind in "biu" else rows()
    given = sparse.csr_array(X.astype(dtype))
    assert given.dtype == dtype
    fitted, expected = model().fit(given), model().fit(sparse.csr_array(given.astype(np.float64)))
    assert_alike(fitted, expected)
    np.testing.assert_allclose(
        fitted.score_samples(given), expected.score_samples(given), rtol=1e-4, atol=1e-7
    )
    wide = dtype in ("int32", "int64", "uint64", "float64", "longdouble")
    assert fitted.transform(given).dtype == (np.float64 if wide else np.float32)
    assert given.dtype == dtype


def test_values_of_the_other_byte_order():
    X = sparse.csr_array(rows())
    swapped = sparse.csr_array((X.data.astype(">f8"), X.indices, X.indptr), shape=X.shape)
    assert_same_fit(model().fit(swapped), model().fit(X))


@pytest.mark.parametrize("missing", ["ignore", "impute"])
def test_stored_nan_is_missing(missing):
    X = rows()
    X[X > 3] = np.nan
    assert np.isnan(X).any(axis=0).sum() > 5
    given = sparse.csr_array(X)
    fitted, dense = model(missing=missing).fit(given), model(missing=missing).fit(X)
    assert_alike(fitted, dense)
    np.testing.assert_array_equal(fitted.score_samples(given), fitted.score_samples(X))
    errors = fitted.reconstruction_error(given, per_feature=True)
    np.testing.assert_array_equal(errors, fitted.reconstruction_error(X, per_feature=True))
    if missing == "ignore":
        np.testing.assert_array_equal(np.isnan(errors), np.isnan(X))
    else:
        assert not np.isnan(errors).any()


BAD = {"infinity": np.inf, "NaN": np.nan}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("drop", [False, True])
def test_values_that_are_refused_are_named(kind, drop):
    X = rows()
    X[:, 4] = 7.0
    fitted = model(missing="error", constant_features="drop" if drop else "keep").fit(
        sparse.csr_array(X)
    )
    before = snapshot(fitted)
    X[171, 33] = BAD[kind]
    X[180, 3] = BAD[kind]
    message = f"Input X contains {kind} in row 171, column 33:"
    for given in map(sparse.csr_array(X).asformat, FORMATS):
        for method in ("fit", "partial_fit", "score_samples", "predict", "transform",
                       "reconstruct", "reconstruction_error", "deep_features"):  # fmt: skip
            with pytest.raises(ValueError, match=message):
                getattr(fitted, method)(given)
    assert_unchanged(fitted, before)


def test_infinity_is_refused_where_nan_is_missing():
    X = rows()
    X[10, 3], X[20, 5] = np.nan, -np.inf
    with pytest.raises(ValueError, match="infinity in row 20, column 5"):
        model().fit(sparse.csr_array(X))
    with pytest.raises(ValueError, match="infinity in row 20, column 5"):
        model().fit(sparse.csr_array(rows()), X_val=sparse.csr_array(X))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (sparse.csr_array((5, 0)), r"Found array with 0 feature\(s\)"),
        (sparse.csr_array((0, 5)), r"Found array with 0 sample\(s\)"),
        (sparse.csr_array((5, 5), dtype=complex), "Complex data not supported"),
    ],
    ids=["no columns", "no rows", "complex"],
)
def test_matrices_that_are_refused(given, message):
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=message):
            getattr(model(), method)(given)


def test_another_width_is_refused():
    fitted = model().fit(sparse.csr_array(rows()))
    for method in ("score_samples", "transform", "partial_fit"):
        with pytest.raises(ValueError, match="X has 5 features, but Autoencoder is expecting 40"):
            getattr(fitted, method)(sparse.csr_array((3, 5)))


def test_one_row_and_only_zeros():
    one = sparse.csr_array(rows())[:1]
    assert np.isfinite(model().fit(one).score_samples(one)).all()
    nothing = sparse.csr_array((9, 6))
    fitted = model().fit(nothing)
    np.testing.assert_array_equal(fitted.score_samples(nothing), 0)
    np.testing.assert_array_equal(fitted.constant_features_, np.arange(6))
    with pytest.raises(ValueError, match="Every column of X is constant"):
        model(constant_features="drop").fit(nothing)


def test_constant_columns_are_those_that_are_quite_constant():
    X = rows()
    X[:, [7, 9, 11]] = 3.0, 0.0, 2.0
    X[5, 11] = 1.0
    given = sparse.csr_array(X)
    fitted = model().fit(given)
    np.testing.assert_array_equal(fitted.constant_features_, [1, 7, 9])
    dropped = model(constant_features="drop").fit(given)
    assert dropped.coefs_[0].shape[0] == N_COLUMNS - 3
    # As if the table were without them.
    kept = np.setdiff1d(np.arange(N_COLUMNS), [1, 7, 9])
    assert_same_weights(dropped, model().fit(given[:, kept]))
    made = dropped.reconstruct(given)
    np.testing.assert_array_equal(made[:, [1, 7, 9]], np.tile([0.0, 3.0, 0.0], (N_ROWS, 1)))
    errors = dropped.reconstruction_error(given, per_feature=True)
    assert np.isnan(errors[:, [1, 7, 9]]).all()
    np.testing.assert_allclose(
        np.nanmean(errors, axis=1), dropped.reconstruction_error(given), rtol=1e-6
    )
