#include "fastae/rows.hpp"

#include <type_traits>

namespace fastae {

Scaling::Scaling(const double* shift, const double* scale, Index n_cols)
    : shift_(shift), scale_(scale), shift_float_(shift, shift + n_cols),
      scale_float_(scale, scale + n_cols) {}

namespace {

constexpr Index kPrefetchRows = 8;

template <class Source, class T>
void gather(const RowsView& X, const Scaling& scaling, const std::uint32_t* order, Index first,
            Index n, T* out, Index out_stride) {
    // 64-bit sources lose digits unless the shift is taken off before rounding to float.
    using Compute = std::conditional_t<sizeof(Source) >= 4 && !std::is_same_v<Source, float>,
                                       double, T>;
    const Compute* shift;
    const Compute* scale;
    if constexpr (std::is_same_v<Compute, double>) {
        shift = scaling.shift();
        scale = scaling.scale();
    } else {
        shift = scaling.shift_float();
        scale = scaling.scale_float();
    }
    const char* base = static_cast<const char*>(X.data);
    const auto row = [&](Index i) {
        return base + (order ? static_cast<Index>(order[i]) : first + i) * X.row_stride;
    };
    const bool contiguous = X.col_stride == static_cast<Index>(sizeof(Source));
    for (Index i = 0; i < n; ++i) {
        const char* x = row(i);
        T* o = out + i * out_stride;
        if (contiguous) {
            if (i + kPrefetchRows < n) {
                const char* ahead = row(i + kPrefetchRows);
                for (Index k = 0; k < X.n_cols * X.col_stride; k += 64) __builtin_prefetch(ahead + k);
            }
            const Source* values = reinterpret_cast<const Source*>(x);
            for (Index j = 0; j < X.n_cols; ++j) {
                o[j] = static_cast<T>((static_cast<Compute>(values[j]) - shift[j]) * scale[j]);
            }
        } else {
            for (Index j = 0; j < X.n_cols; ++j) {
                const Source value = *reinterpret_cast<const Source*>(x + j * X.col_stride);
                o[j] = static_cast<T>((static_cast<Compute>(value) - shift[j]) * scale[j]);
            }
        }
    }
}

}  // namespace

template <class T>
void gather_rows(const RowsView& X, const Scaling& scaling, const std::uint32_t* order, Index first,
                 Index n, T* out, Index out_stride) {
    const auto from = [&](auto source) {
        gather<decltype(source), T>(X, scaling, order, first, n, out, out_stride);
    };
    switch (X.dtype) {
        case DType::kBool:
        case DType::kUint8: return from(std::uint8_t{});
        case DType::kInt8: return from(std::int8_t{});
        case DType::kInt16: return from(std::int16_t{});
        case DType::kUint16: return from(std::uint16_t{});
        case DType::kInt32: return from(std::int32_t{});
        case DType::kUint32: return from(std::uint32_t{});
        case DType::kInt64: return from(std::int64_t{});
        case DType::kUint64: return from(std::uint64_t{});
        case DType::kFloat32: return from(float{});
        case DType::kFloat64: return from(double{});
    }
}

template void gather_rows<float>(const RowsView&, const Scaling&, const std::uint32_t*, Index,
                                 Index, float*, Index);
template void gather_rows<double>(const RowsView&, const Scaling&, const std::uint32_t*, Index,
                                  Index, double*, Index);

}  // namespace fastae
