#pragma once

#include <limits>
#include <vector>

#include "fastae/factors.hpp"
#include "fastae/types.hpp"

namespace fastae {

/// The user's table as it lies in memory; nothing is copied. Strides are in bytes and may be
/// negative.
struct RowsView {
    const void* data;
    DType dtype;
    Index n_rows;
    Index n_cols;
    Index row_stride;
    Index col_stride;
    /// Of sparse rows (CSR), whose other values are 0: the values of row i are data[indptr[i] ..
    /// indptr[i + 1] - 1], in columns `indices`, which ascend. Null of dense ones.
    const std::int32_t* indices = nullptr;
    const std::int64_t* indptr = nullptr;

    bool is_sparse() const { return indptr != nullptr; }
};

/// True where the scaled values are computed, and a network is evaluated, in double precision.
constexpr bool needs_double(DType dtype) {
    return dtype == DType::kFloat64 || dtype == DType::kInt32 || dtype == DType::kUint32 ||
           dtype == DType::kInt64 || dtype == DType::kUint64;
}

/// True if the value of a row and column is NaN.
bool is_missing(const RowsView& X, Index row, Index column);

/// True where values may be NaN.
constexpr bool is_floating(DType dtype) {
    return dtype == DType::kFloat32 || dtype == DType::kFloat64;
}

/// x' = (x - shift) * scale per column, but not beyond -limit and limit.
class Scaling {
  public:
    /// shift, scale: (n_cols), kept as pointers; they must outlive this object.
    Scaling(const double* shift, const double* scale, Index n_cols,
            double limit = std::numeric_limits<double>::infinity());

    const double* shift() const { return shift_; }
    const double* scale() const { return scale_; }
    /// In floats, (x - shift) * scale is (x - shift_high) * scale - rest: x - shift_high is exact
    /// where x is close to the shift.
    const float* shift_high() const { return shift_high_.data(); }
    const float* rest() const { return rest_.data(); }
    const float* scale_float() const { return scale_float_.data(); }
    double limit() const { return limit_; }

  private:
    const double* shift_;
    const double* scale_;
    std::vector<float> shift_high_;
    std::vector<float> rest_;
    std::vector<float> scale_float_;
    double limit_;
};

/// The rows of weight above 0; weights (n_rows).
inline std::vector<std::uint32_t> rows_that_count(const float* weights, Index n_rows) {
    std::vector<std::uint32_t> rows;
    for (Index i = 0; i < n_rows; ++i) {
        if (weights[i] > 0) rows.push_back(static_cast<std::uint32_t>(i));
    }
    return rows;
}

/// What training reads: a table, and how much its rows count.
struct TrainingTable {
    const RowsView& X;
    const Scaling& scaling;
    /// (X.n_rows) or null: every row counts 1. A row of weight 0 is never looked at; the mean of
    /// the others' weights should be 1, or learning rates mean something else.
    const float* weights = nullptr;
    /// Targets beside the inputs (see Objective): numbers (X.n_rows, n_targets) and their scaling,
    const RowsView* Y = nullptr;
    const Scaling* Y_scaling = nullptr;
    /// or (X.n_rows) classes, negative where not known.
    const std::int32_t* classes = nullptr;
    /// (X.n_rows) or null: rows that are known to be anomalies (see Objective).
    const bool* anomalous = nullptr;
    /// Columns beside those of X (see FactorTable): codes (X.n_rows, n_factors), or null.
    const Factors* factors = nullptr;
    const std::int32_t* codes = nullptr;

    float weight(std::uint32_t row) const { return weights ? weights[row] : 1.0f; }
};

/// Rows of X that will be needed soon: order[0 .. n - 1].
struct NextRows {
    const RowsView* X = nullptr;
    const std::uint32_t* order = nullptr;
    Index n = 0;
};

/// Fetches columns of a row into the caches. (Inline: as a function of its own, which returns
/// nothing and changes nothing, it would be optimised away.)
inline __attribute__((always_inline)) void prefetch_row(const RowsView& X, Index row,
                                                        Range columns) {
    const char* x = static_cast<const char*>(X.data) + row * X.row_stride;
    if (X.is_sparse()) return;
    if (X.col_stride <= 0 || X.col_stride > 8) return;  // not one behind the other
    for (Index k = columns.begin * X.col_stride; k < columns.end * X.col_stride; k += 64) {
        __builtin_prefetch(x + k);
    }
}

/// Writes rows of X, scaled, to out.
///
///   order    (n) which rows, or null: rows first .. first + n - 1
///   columns  the only ones that are read
///   out      (n, columns)  stride out_stride; the padding is not touched
///
/// T is float or double. Sources of at most 32 bits of precision are scaled in float where T is
/// float; 64-bit ones always in double.
template <class T>
void gather_rows(const RowsView& X, const Scaling& scaling, const std::uint32_t* order, Index first,
                 Index n, T* out, Index out_stride, Range columns);

/// Stored value k of a sparse table.
double stored_value(const RowsView& X, Index k);

/// A value of a sparse row.
struct SparseEntry {
    std::int32_t column;
    float value;
};

/// The scaled values of one row of a sparse table that it stores: out (as many as these).
void gather_entries(const RowsView& X, const Scaling& scaling, Index row, SparseEntry* out);

/// All columns.
template <class T>
void gather_rows(const RowsView& X, const Scaling& scaling, const std::uint32_t* order, Index first,
                 Index n, T* out, Index out_stride) {
    gather_rows(X, scaling, order, first, n, out, out_stride, Range{0, X.n_cols});
}

}  // namespace fastae
