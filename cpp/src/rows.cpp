#include "fastae/rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace fastae {

Scaling::Scaling(const double* shift, const double* scale, Index n_cols, double limit)
    : shift_(shift),
      scale_(scale),
      shift_high_(shift, shift + n_cols),
      scale_float_(scale, scale + n_cols),
      limit_(limit) {
    for (Index j = 0; j < n_cols; ++j) {
        const auto high = static_cast<double>(shift_high_[static_cast<std::size_t>(j)]);
        rest_.push_back(static_cast<float>((shift[j] - high) * scale[j]));
    }
}

namespace {

constexpr Index kPrefetchRows = 8;

/// (x - shift) * scale of column j, in the precision that the source needs.
template <class Source, class T, bool kLimited>
struct Scaler {
    // 64-bit and 32-bit integer sources have more digits than a float.
    static constexpr bool kDouble =
        std::is_same_v<T, double> || (sizeof(Source) >= 4 && !std::is_same_v<Source, float>);

    explicit Scaler(const Scaling& scaling)
        : shift(scaling.shift()),
          scale(scaling.scale()),
          shift_high(scaling.shift_high()),
          rest(scaling.rest()),
          scale_float(scaling.scale_float()),
          limit(static_cast<T>(scaling.limit())) {}

    T operator()(Source x, Index j) const {
        const T value = unlimited(x, j);
        if constexpr (!kLimited) return value;
        // NaN stays NaN.
        return value > limit ? limit : value < -limit ? -limit : value;
    }

    T unlimited(Source x, Index j) const {
        if constexpr (kDouble) {
            return static_cast<T>((static_cast<double>(x) - shift[j]) * scale[j]);
        } else {
            return (static_cast<float>(x) - shift_high[j]) * scale_float[j] - rest[j];
        }
    }

    const double* shift;
    const double* scale;
    const float* shift_high;
    const float* rest;
    const float* scale_float;
    T limit;
};

/// out[j - columns.begin] = scaled x[j], j in columns, for values that lie one behind the other.
template <class Source, class T, bool kLimited>
void gather_row(const Scaler<Source, T, kLimited>& scaled, const Source* x, T* __restrict out,
                Range columns) {
    typedef Source Loose __attribute__((aligned(1), may_alias));  // NumPy's may lie anywhere
    const Loose* values = reinterpret_cast<const Loose*>(x);
    // A copy whose members the compiler knows nobody else can change.
    const Scaler<Source, T, kLimited> mine = scaled;
    for (Index j = columns.begin; j < columns.end; ++j) out[j - columns.begin] = mine(values[j], j);
}

template <class Source, class T, bool kLimited>
void gather_sparse(const RowsView& X, const Scaler<Source, T, kLimited>& scaled,
                   const std::uint32_t* order, Index first, Index n, T* out, Index out_stride,
                   Range columns) {
    const auto* values = static_cast<const Source*>(X.data);
    for (Index i = 0; i < n; ++i) {
        const Index row = order ? static_cast<Index>(order[i]) : first + i;
        T* o = out + i * out_stride;
        for (Index j = columns.begin; j < columns.end; ++j) o[j - columns.begin] = scaled(0, j);
        const std::int32_t* end = X.indices + X.indptr[row + 1];
        const std::int32_t* at =
            std::lower_bound(X.indices + X.indptr[row], end, columns.begin,
                             [](std::int32_t column, Index begin) { return column < begin; });
        for (; at < end && *at < columns.end; ++at) {
            o[*at - columns.begin] = scaled(values[at - X.indices], *at);
        }
    }
}

template <class Source, class T, bool kLimited>
void gather(const RowsView& X, const Scaling& scaling, const std::uint32_t* order, Index first,
            Index n, T* out, Index out_stride, Range columns) {
    typedef Source Loose __attribute__((aligned(1), may_alias));
    const Scaler<Source, T, kLimited> scaled(scaling);
    if (X.is_sparse()) {
        gather_sparse(X, scaled, order, first, n, out, out_stride, columns);
        return;
    }
    const char* base = static_cast<const char*>(X.data);
    const auto index = [&](Index i) { return order ? static_cast<Index>(order[i]) : first + i; };
    const bool contiguous = X.col_stride == static_cast<Index>(sizeof(Source));
    for (Index i = 0; i < n; ++i) {
        const char* x = base + index(i) * X.row_stride;
        T* o = out + i * out_stride;
        if (contiguous) {
            if (i + kPrefetchRows < n) prefetch_row(X, index(i + kPrefetchRows), columns);
            gather_row(scaled, reinterpret_cast<const Source*>(x), o, columns);
        } else {
            for (Index j = columns.begin; j < columns.end; ++j) {
                o[j - columns.begin] =
                    scaled(*reinterpret_cast<const Loose*>(x + j * X.col_stride), j);
            }
        }
    }
}

}  // namespace

bool is_missing(const RowsView& X, Index row, Index column) {
    const char* at = static_cast<const char*>(X.data) + row * X.row_stride + column * X.col_stride;
    const auto nan = [&](auto value) {
        std::memcpy(&value, at, sizeof value);
        return std::isnan(value);
    };
    return X.dtype == DType::kFloat32   ? nan(float{})
           : X.dtype == DType::kFloat64 ? nan(double{})
                                        : false;
}

namespace {

/// Calls f with a value of the source's type.
template <class F>
void with_source(DType dtype, F&& f) {
    switch (dtype) {
        case DType::kBool:
        case DType::kUint8:
            return f(std::uint8_t{});
        case DType::kInt8:
            return f(std::int8_t{});
        case DType::kInt16:
            return f(std::int16_t{});
        case DType::kUint16:
            return f(std::uint16_t{});
        case DType::kInt32:
            return f(std::int32_t{});
        case DType::kUint32:
            return f(std::uint32_t{});
        case DType::kInt64:
            return f(std::int64_t{});
        case DType::kUint64:
            return f(std::uint64_t{});
        case DType::kFloat32:
            return f(float{});
        case DType::kFloat64:
            return f(double{});
    }
}

}  // namespace

template <class T>
void gather_rows(const RowsView& X, const Scaling& scaling, const std::uint32_t* order, Index first,
                 Index n, T* out, Index out_stride, Range columns) {
    with_source(X.dtype, [&](auto source) {
        using Source = decltype(source);
        if (std::isinf(scaling.limit())) {
            gather<Source, T, false>(X, scaling, order, first, n, out, out_stride, columns);
        } else {
            gather<Source, T, true>(X, scaling, order, first, n, out, out_stride, columns);
        }
    });
}

double stored_value(const RowsView& X, Index k) {
    double value = 0;
    with_source(X.dtype, [&](auto source) {
        value = static_cast<double>(static_cast<const decltype(source)*>(X.data)[k]);
    });
    return value;
}

void gather_entries(const RowsView& X, const Scaling& scaling, Index row, SparseEntry* out) {
    with_source(X.dtype, [&](auto source) {
        using Source = decltype(source);
        const Scaler<Source, float, true> scaled(scaling);
        const auto* values = static_cast<const Source*>(X.data);
        for (Index k = X.indptr[row]; k < X.indptr[row + 1]; ++k) {
            *out++ = {X.indices[k], scaled(values[k], X.indices[k])};
        }
    });
}

template void gather_rows<float>(const RowsView&, const Scaling&, const std::uint32_t*, Index,
                                 Index, float*, Index, Range);
template void gather_rows<double>(const RowsView&, const Scaling&, const std::uint32_t*, Index,
                                  Index, double*, Index, Range);

}  // namespace fastae
