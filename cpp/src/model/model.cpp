#include "fastae/model.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "fastae/rows.hpp"
#include "fastae/score.hpp"
#include "fitted.hpp"

namespace fastae {

struct Model::Impl {
    explicit Impl(saved::Fitted&& read)
        : fitted(std::move(read)),
          network(fitted.widths, fitted.activations),
          scaling(fitted.shift.data(), fitted.scale.data(), static_cast<Index>(fitted.shift.size()),
                  fitted.limit) {}
    Impl(const Impl&) = delete;  // scaling has pointers into fitted

    Index n_features() const { return static_cast<Index>(fitted.columns.size()); }
    const saved::Column& column(Index j) const;

    /// After how many layers there are the codes: the first narrowest hidden one.
    Index code_layer() const {
        if (network.n_layers() == 1) return 1;
        const auto begin = fitted.widths.begin() + 1, end = fitted.widths.end() - 1;
        return std::min_element(begin, end) - fitted.widths.begin();
    }

    saved::Fitted fitted;
    Network network;
    Scaling scaling;
};

namespace {

std::string read_file(const std::string& path) {
    std::error_code error;  // also of what is no file, such as a folder
    const auto size = std::filesystem::file_size(path, error);
    std::string content;
    std::ifstream stream;
    if (!error) stream.open(path, std::ios::binary);
    if (!stream.is_open()) {
        throw std::runtime_error(path + " cannot be read: name a file that save wrote");
    }
    content.resize(size);
    stream.read(content.data(), static_cast<std::streamsize>(size));
    content.resize(static_cast<std::size_t>(stream.gcount()));
    return content;
}

[[noreturn]] void fail_at(Index row, Index column, const std::string& what) {
    throw std::invalid_argument("X has " + what + " in row " + std::to_string(row) + ", column " +
                                std::to_string(column));
}

template <class T>
constexpr DType kDType = sizeof(T) == sizeof(float) ? DType::kFloat32 : DType::kFloat64;

template <class T>
RowsView view_of(const T* X, Index n_rows, Index n_cols) {
    constexpr Index kSize = sizeof(T);
    return {X, kDType<T>, n_rows, n_cols, n_cols * kSize, kSize};
}

/// The user's rows, checked, as the core takes them; without a copy where all columns are numbers
/// that the network sees.
template <class T>
class Rows {
  public:
    Rows(const saved::Fitted& fitted, const T* X, Index n_rows, int n_threads)
        : fitted_(fitted),
          X_(X),
          n_columns_(static_cast<Index>(fitted.columns.size())),
          numbers_view_(view_of(X, n_rows, n_columns_)) {
        if (n_rows < 0 || n_rows > static_cast<Index>(UINT32_MAX)) {
            throw std::invalid_argument("n_rows must be from 0 to 2^32 - 1");
        }
        if (n_threads < 1 || n_threads > 4096) {
            throw std::invalid_argument("n_threads must be between 1 and 4096");
        }
        for (Index i = 0; i < n_rows; ++i) check_numbers(i);
        if (fitted.numbers.size() < fitted.columns.size()) copy_numbers(n_rows);
        if (fitted.factors) {
            copy_codes(n_rows);
            table_.emplace(FactorTable{*fitted.factors, codes_.data()});
        }
    }
    Rows(const Rows&) = delete;  // table_ has a pointer into codes_

    const RowsView& numbers() const { return numbers_view_; }
    const FactorTable* factors() const { return table_ ? &*table_ : nullptr; }

  private:
    static constexpr T kLargest = std::numeric_limits<T>::max();

    T at(Index row, Index column) const { return X_[row * n_columns_ + column]; }

    void check_numbers(Index i) const {
        int n_odd = 0;  // counted without a branch per cell, so that the loop is vectorised
        for (Index j = 0; j < n_columns_; ++j) n_odd += !(std::abs(at(i, j)) <= kLargest);
        for (Index j = 0; n_odd > 0 && j < n_columns_; ++j) {
            if (std::isinf(at(i, j))) fail_at(i, j, "infinity");
            if (fitted_.missing == Missing::kNone && std::isnan(at(i, j))) {
                fail_at(i, j, "NaN, which this model takes for an error,");
            }
        }
    }

    void copy_numbers(Index n_rows) {
        const auto width = static_cast<Index>(fitted_.numbers.size());
        numbers_.reserve(static_cast<std::size_t>(n_rows * width));
        for (Index i = 0; i < n_rows; ++i) {
            for (const Index j : fitted_.numbers) numbers_.push_back(at(i, j));
        }
        numbers_view_ = view_of(numbers_.data(), n_rows, width);
    }

    void copy_codes(Index n_rows) {
        const std::size_t n_factors = fitted_.factor_columns.size();
        codes_.reserve(static_cast<std::size_t>(n_rows) * n_factors + 1);  // never null
        for (Index i = 0; i < n_rows; ++i) {
            for (const Index j : fitted_.factor_columns) codes_.push_back(code_at(i, j));
        }
    }

    std::int32_t code_at(Index i, Index j) const {
        const saved::Column& column = fitted_.columns[static_cast<std::size_t>(j)];
        const T value = at(i, j);
        if (std::isnan(value)) return column.missing_code;
        const auto n_levels = static_cast<T>(column.n_levels());
        if (value < -1 || value >= n_levels || value != std::floor(value)) {
            fail_at(i, j, "what is the code of no level");
        }
        return static_cast<std::int32_t>(value);
    }

    const saved::Fitted& fitted_;
    const T* X_;
    Index n_columns_;
    RowsView numbers_view_;
    std::vector<T> numbers_;
    std::vector<std::int32_t> codes_;
    std::optional<FactorTable> table_;
};

}  // namespace

const saved::Column& Model::Impl::column(Index j) const {
    if (j < 0 || j >= n_features()) {
        throw std::invalid_argument("column must be from 0 to " + std::to_string(n_features() - 1));
    }
    return fitted.columns[static_cast<std::size_t>(j)];
}

Model::Model(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

Model Model::load(const std::string& path) { return from_bytes(read_file(path), path); }

Model Model::from_bytes(std::string_view content, const std::string& name) {
    try {
        return Model(std::make_unique<const Impl>(saved::read_fitted(saved::Archive(content))));
    } catch (const saved::Refusal& refusal) {
        throw std::runtime_error(name + " cannot be used here: " + refusal.what());
    } catch (const saved::Damage& damage) {
        throw std::runtime_error(name + " is damaged or was not written by fastae (" +
                                 damage.what() + "): restore it from a copy or write it again");
    }
}

std::ptrdiff_t Model::n_features() const { return impl_->n_features(); }

const std::vector<std::string>& Model::feature_names() const { return impl_->fitted.names; }

std::vector<std::ptrdiff_t> Model::hidden_layer_sizes() const {
    return {impl_->fitted.widths.begin() + 1, impl_->fitted.widths.end() - 1};
}

std::ptrdiff_t Model::n_codes() const { return impl_->network.width(impl_->code_layer()); }

double Model::threshold() const { return -impl_->fitted.offset; }

bool Model::is_factor(std::ptrdiff_t column) const { return impl_->column(column).is_factor; }

const std::vector<std::string>& Model::levels(std::ptrdiff_t column) const {
    return impl_->column(column).levels;
}

double Model::code(std::ptrdiff_t column, std::string_view level) const {
    const saved::Column& factor = impl_->column(column);
    if (!factor.is_factor) {
        throw std::invalid_argument("column " + std::to_string(column) + " is no factor");
    }
    const auto found = factor.codes.find(level);
    return found == factor.codes.end() ? factor.unknown_code : found->second;
}

template <class T>
std::vector<double> Model::reconstruction_error(const T* X, std::ptrdiff_t n_rows,
                                                int n_threads) const {
    const Rows<T> rows(impl_->fitted, X, n_rows, n_threads);
    std::vector<double> mse(static_cast<std::size_t>(n_rows));
    row_mse<T>(impl_->network, impl_->fitted.params.data(), rows.numbers(), nullptr, n_rows,
               impl_->scaling, impl_->fitted.missing, mse.data(), n_threads, rows.factors());
    return mse;
}

bool Model::is_odd(double error) const { return -error - impl_->fitted.offset < 0; }

template <class T>
std::vector<int> Model::predict(const T* X, std::ptrdiff_t n_rows, int n_threads) const {
    std::vector<int> labels;
    for (const double error : reconstruction_error(X, n_rows, n_threads)) {
        labels.push_back(is_odd(error) ? -1 : 1);
    }
    return labels;
}

template <class T>
std::vector<T> Model::feature_errors(const T* X, std::ptrdiff_t n_rows, int n_threads) const {
    const saved::Fitted& fitted = impl_->fitted;
    const Rows<T> rows(fitted, X, n_rows, n_threads);
    const std::size_t n_numbers = fitted.numbers.size();
    const std::size_t width = n_numbers + fitted.factor_columns.size();
    std::vector<T> errors(static_cast<std::size_t>(n_rows) * width);
    fastae::feature_errors<T>(impl_->network, fitted.params.data(), rows.numbers(), impl_->scaling,
                              fitted.missing, errors.data(), n_threads, rows.factors());
    const auto n_columns = static_cast<std::size_t>(n_features());
    if (width == n_columns && fitted.factor_columns.empty()) return errors;
    std::vector<T> out(static_cast<std::size_t>(n_rows) * n_columns,
                       std::numeric_limits<T>::quiet_NaN());
    for (std::size_t i = 0; i < static_cast<std::size_t>(n_rows); ++i) {
        const T* from = errors.data() + i * width;
        T* to = out.data() + i * n_columns;
        for (const Index j : fitted.numbers) to[j] = *from++;
        for (const Index j : fitted.factor_columns) to[j] = *from++;
    }
    return out;
}

template <class T>
std::vector<T> Model::reconstruct(const T* X, std::ptrdiff_t n_rows, int n_threads) const {
    const saved::Fitted& fitted = impl_->fitted;
    const Rows<T> rows(fitted, X, n_rows, n_threads);
    const auto n = static_cast<std::size_t>(n_rows);
    std::vector<T> numbers(n * fitted.numbers.size());
    std::vector<std::int32_t> codes(n * fitted.factor_columns.size() + 1);  // never null
    fastae::reconstruct<T>(impl_->network, fitted.params.data(), rows.numbers(), impl_->scaling,
                           fitted.missing, numbers.data(), n_threads, rows.factors(), codes.data());
    std::vector<T> out(n * static_cast<std::size_t>(n_features()));
    const T* number = numbers.data();
    const std::int32_t* code = codes.data();
    for (T* to = out.data(); to < out.data() + out.size(); to += n_features()) {
        for (std::size_t k = 0; k < fitted.numbers.size(); ++k, ++number) {
            // Of a column without any value in training nothing is known.
            to[fitted.numbers[k]] =
                fitted.scale[k] == 0 ? std::numeric_limits<T>::quiet_NaN() : *number;
        }
        for (const auto& [j, constant] : fitted.dropped) to[j] = static_cast<T>(constant);
        for (const Index j : fitted.factor_columns) to[j] = static_cast<T>(*code++);
    }
    return out;
}

template <class T>
std::vector<T> Model::transform(const T* X, std::ptrdiff_t n_rows, int n_threads) const {
    return deep_features(X, n_rows, impl_->code_layer() - 1, n_threads);
}

template <class T>
std::vector<T> Model::deep_features(const T* X, std::ptrdiff_t n_rows, std::ptrdiff_t layer,
                                    int n_threads) const {
    const Index n_hidden = std::max<Index>(1, impl_->network.n_layers() - 1);
    if (layer < 0 || layer >= n_hidden) {
        throw std::invalid_argument("layer must be from 0 to " + std::to_string(n_hidden - 1));
    }
    const Rows<T> rows(impl_->fitted, X, n_rows, n_threads);
    std::vector<T> features(static_cast<std::size_t>(n_rows * impl_->network.width(layer + 1)));
    activations<T>(impl_->network, impl_->fitted.params.data(), rows.numbers(), impl_->scaling,
                   impl_->fitted.missing, layer + 1, features.data(), n_threads, rows.factors());
    return features;
}

#define FASTAE_INSTANTIATE(T)                                                                      \
    template std::vector<double> Model::reconstruction_error(const T*, std::ptrdiff_t, int) const; \
    template std::vector<int> Model::predict(const T*, std::ptrdiff_t, int) const;                 \
    template std::vector<T> Model::feature_errors(const T*, std::ptrdiff_t, int) const;            \
    template std::vector<T> Model::reconstruct(const T*, std::ptrdiff_t, int) const;               \
    template std::vector<T> Model::transform(const T*, std::ptrdiff_t, int) const;                 \
    template std::vector<T> Model::deep_features(const T*, std::ptrdiff_t, std::ptrdiff_t, int)    \
        const;
FASTAE_INSTANTIATE(float)
FASTAE_INSTANTIATE(double)
#undef FASTAE_INSTANTIATE

}  // namespace fastae
