#pragma once

#include <vector>

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
};

/// True where the scaled values are computed, and a network is evaluated, in double precision.
constexpr bool needs_double(DType dtype) {
    return dtype == DType::kFloat64 || dtype == DType::kInt32 || dtype == DType::kUint32 ||
           dtype == DType::kInt64 || dtype == DType::kUint64;
}

/// x' = (x - shift) * scale per column.
class Scaling {
  public:
    /// shift, scale: (n_cols), kept as pointers; they must outlive this object.
    Scaling(const double* shift, const double* scale, Index n_cols);

    const double* shift() const { return shift_; }
    const double* scale() const { return scale_; }
    /// The shift in two floats, high + low: x - high is exact where x is close to the shift.
    const float* shift_high() const { return shift_high_.data(); }
    const float* shift_low() const { return shift_low_.data(); }
    const float* scale_float() const { return scale_float_.data(); }

  private:
    const double* shift_;
    const double* scale_;
    std::vector<float> shift_high_;
    std::vector<float> shift_low_;
    std::vector<float> scale_float_;
};

/// Writes rows of X, scaled, to out.
///
///   order    (n) which rows, or null: rows first .. first + n - 1
///   out      (n, X.n_cols)  stride out_stride; the padding is not touched
///   columns  the only ones that are read and written
///
/// T is float or double. Sources of at most 32 bits of precision are scaled in float where T is
/// float; 64-bit ones always in double.
template <class T>
void gather_rows(const RowsView& X, const Scaling& scaling, const std::uint32_t* order, Index first,
                 Index n, T* out, Index out_stride, Range columns);

/// All columns.
template <class T>
void gather_rows(const RowsView& X, const Scaling& scaling, const std::uint32_t* order, Index first,
                 Index n, T* out, Index out_stride) {
    gather_rows(X, scaling, order, first, n, out, out_stride, Range{0, X.n_cols});
}

}  // namespace fastae
