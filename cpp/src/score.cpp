#include "fastae/score.hpp"

#include <algorithm>
#include <limits>
#include <memory>

#include "fastae/factor_outputs.hpp"
#include "fastae/layer.hpp"
#include "fastae/parallel.hpp"
#include "fastae/scratch.hpp"

namespace fastae {

namespace {

/// Rows in flight per thread: enough to reuse the weights, few enough to stay in the L2 cache.
constexpr Index kChunk = 32;

template <class T>
bool has_nan(const T* x, Index n) {
    Vec<T> found{};
    for (Index j = 0; j < n; j += kLanes<T>) {
        const Vec<T> v = load(x + j);
        found += v == v ? Vec<T>{} : splat(T(1));
    }
    return sum<T>(found) > 0;
}

/// What all threads know of factors.
struct Units {
    const Factors* factors = nullptr;      ///< null: there are none
    std::unique_ptr<UnitWeights> weights;  ///< null: the rows are codes of a hidden layer
};

/// One thread's buffers: the scaled rows and two activations that layers write in turn.
template <class T>
class Scratch {
  public:
    explicit Scratch(const Network& network) {
        stride = network.widest();
        for (auto& buffer : buffers_) buffer = AlignedBuffer<T>(kChunk * stride);
        logits_ = AlignedBuffer<T>(stride);
    }

    T* input() { return buffers_[0].data(); }
    /// What row i is compared with: its inputs, NaN included where they are ignored.
    const T* target(Index i) const { return (keeps_ ? kept_ : buffers_[0]).data() + i * stride; }
    bool has_unknown_targets() const { return keeps_; }

    /// Zeroes NaN in n rows of width d.
    void fill(Missing missing, Index n, Index d) {
        keeps_ = false;
        bool found = false;
        for (Index i = 0; i < n && !found; ++i) found = has_nan(input() + i * stride, d);
        if (!found) return;
        keeps_ = missing == Missing::kIgnored;
        if (keeps_) {
            if (!kept_.data()) kept_ = AlignedBuffer<T>(kChunk * stride);
            std::copy_n(input(), n * stride, kept_.data());
        }
        for (Index i = 0; i < n; ++i) fill_missing(d, input() + i * stride);
    }

    /// Runs layers first .. last - 1 on the rows in input(); returns where the result is.
    ///
    ///   codes  (n) codes of the rows' factors, if there are any
    T* forward(const Network& network, const float* params, Index first, Index last, Index n,
               const Units& units, const std::int32_t* const* codes) {
        T* in = input();
        for (Index l = first; l < last; ++l) {
            const Layer& layer = network.layers()[static_cast<std::size_t>(l)];
            T* out = buffers_[static_cast<std::size_t>(1 + (l - first) % 2)].data();
            if (units.weights && l == 0) {
                enter(layer, units, params, n, codes, out);
            } else if (units.factors && l + 1 == network.n_layers()) {
                layer_preactivation(layer, params, n, in, stride, out, stride);
                leave(layer, *units.factors, n, out);
            } else {
                layer_forward(layer, params, n, in, stride, out, stride);
            }
            in = out;
        }
        return in;
    }

    Index stride;

  private:
    /// The first layer: its numbers are inputs like others; of the units, some are active.
    void enter(Layer layer, const Units& units, const float* params, Index n,
               const std::int32_t* const* codes, T* out) {
        const Factors& factors = *units.factors;
        (layer.fan_in_is_wide ? layer.n_cols : layer.n_rows) = factors.n_numbers;
        layer_preactivation(layer, params, n, input(), stride, out, stride);
        for (Index i = 0; i < n; ++i) {
            T* row = out + i * stride;
            const auto add = [&](Index unit) {
                const float* w = units.weights->row(unit);
                for (Index o = 0; o < layer.fan_out; o += kLanes<T>) {
                    store(row + o, load(row + o) + load_weights<T>(w + o));
                }
            };
            for (Index f = 0; f < factors.n_factors(); ++f) add(factors.unit(f, codes[i][f]));
            const T* x = target(i);  // where missing numbers are NaN, if that is what they are
            for (Index j = 0; keeps_ && j < factors.n_marks(); ++j) {
                if (x[j] != x[j]) add(factors.mark(j));
            }
        }
        activate(layer.activation, n, layer.fan_out, out, stride);
    }

    /// The last layer's activation, which logits have none of.
    void leave(const Layer& layer, const Factors& factors, Index n, T* out) {
        if (layer.activation == Activation::kIdentity) return;
        const bool has_logits = factors.reconstructed && factors.n_levels() > 0 &&
                                factors.loss == CategoricalLoss::kCrossEntropy;
        for (Index i = 0; i < n; ++i) {
            T* row = out + i * stride;
            T* levels = row + factors.n_numbers;
            if (has_logits) std::copy_n(levels, factors.n_levels(), logits_.data());
            activate(layer.activation, 1, layer.fan_out, row, 0);
            if (has_logits) std::copy_n(logits_.data(), factors.n_levels(), levels);
        }
    }

    AlignedBuffer<T> buffers_[3];
    AlignedBuffer<T> logits_;  ///< of one row
    AlignedBuffer<T> kept_;    ///< the inputs of a chunk that has NaN; made when there is one
    bool keeps_ = false;
};

/// Rows to be scored: order[0 .. n_rows - 1] of X (null: all).
struct Rows {
    const RowsView& X;
    const Scaling& scaling;
    Missing missing;
    const std::uint32_t* order;
    Index n_rows;
    const Factors* factors;     ///< of the network, or null
    const std::int32_t* codes;  ///< of X (see FactorTable), or null: X are codes

    Index at(Index i) const { return order ? static_cast<Index>(order[i]) : i; }
};

Rows rows_of(const RowsView& X, const Scaling& scaling, Missing missing, const std::uint32_t* order,
             Index n_rows, const FactorTable* table) {
    return {X,
            scaling,
            missing,
            order,
            n_rows,
            table ? &table->factors : nullptr,
            table ? table->codes : nullptr};
}

/// Calls consume(scratch, first row, rows, result, their codes) for chunks of rows passed through
/// layers first .. last - 1, on n_threads threads.
template <class T, class Consume>
void for_each_chunk(const Network& network, const float* params, const Rows& rows, Index first,
                    Index last, int n_threads, Consume&& consume) {
    const bool may_miss = rows.missing != Missing::kNone && is_floating(rows.X.dtype);
    const Index n_chunks = (rows.n_rows + kChunk - 1) / kChunk;
    n_threads = static_cast<int>(std::clamp<Index>(n_chunks, 1, n_threads));
    Units units{rows.factors, nullptr};
    if (rows.codes) units.weights = std::make_unique<UnitWeights>(network, params, *rows.factors);
    FirstException error;
#pragma omp parallel num_threads(n_threads)
    error.run([&] {
        Scratch<T> scratch(network);
        const std::int32_t* codes[kChunk] = {};
#pragma omp for schedule(dynamic, 1) nowait
        for (Index chunk = 0; chunk < n_chunks; ++chunk) {
            const Index begin = chunk * kChunk;
            const Index n = std::min(kChunk, rows.n_rows - begin);
            gather_rows(rows.X, rows.scaling, rows.order ? rows.order + begin : nullptr, begin, n,
                        scratch.input(), scratch.stride);
            for (Index i = 0; rows.codes && i < n; ++i) {
                codes[i] = rows.codes + rows.at(begin + i) * rows.factors->n_factors();
            }
            if (may_miss) scratch.fill(rows.missing, n, rows.X.n_cols);
            consume(scratch, begin, n,
                    scratch.forward(network, params, first, last, n, units, codes), codes);
        }
    });
    error.rethrow();
}

/// Sum of (r - x)^2 over d columns; the padding of both is zero.
template <class T>
double squared_distance(const T* r, const T* x, Index d) {
    Vec<T> total{};
    for (Index j = 0; j < d; j += kLanes<T>) {
        const Vec<T> e = load(r + j) - load(x + j);
        total += e * e;
    }
    return static_cast<double>(sum<T>(total));
}

/// The same of the columns whose x is known, and how many these are.
template <class T>
double squared_distance(const T* r, const T* x, Index d, double& n_known) {
    Vec<T> total{}, known{};
    for (Index j = 0; j < d; j += kLanes<T>) {
        const Vec<T> v = load(x + j);
        const Vec<T> e = v == v ? load(r + j) - v : Vec<T>{};
        total += e * e;
        known += v == v ? splat(T(1)) : Vec<T>{};
    }
    const Index padding = (d + kLanes<T> - 1) / kLanes<T> * kLanes<T> - d;
    n_known = static_cast<double>(sum<T>(known)) - static_cast<double>(padding);
    return static_cast<double>(sum<T>(total));
}

template <class T>
void unscale_rows(const Scaling& scaling, const T* r, Index stride, Index n, Index d, T* out) {
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < d; ++j) {
            const double value = static_cast<double>(r[i * stride + j]);
            out[i * d + j] = static_cast<T>(value / scaling.scale()[j] + scaling.shift()[j]);
        }
    }
}

/// A factor's errors of one row, and how many these count as in the mean.
struct FactorErrors {
    double total = 0;
    double n_known = 0;
};

/// Calls visit(f, error) for every factor whose level is known; z are the outputs of the levels.
template <class T, class Visit>
void visit_factor_errors(const Factors& factors, const std::int32_t* codes, const T* z,
                         Visit&& visit) {
    for (Index f = 0; f < factors.n_factors(); ++f) {
        if (codes[f] < 0) continue;
        visit(f, factors.weight(f) * factor_loss(factors, f, z + factors.first(f), codes[f]));
    }
}

/// The most likely levels of n rows.
template <class T>
void write_levels(const Factors& factors, const T* r, Index stride, Index n, std::int32_t* codes) {
    for (Index i = 0; i < n; ++i) {
        const T* z = r + i * stride + factors.n_numbers;
        for (Index f = 0; f < factors.n_factors(); ++f) {
            codes[i * factors.n_factors() + f] =
                most_likely_level(factors, f, z + factors.first(f));
        }
    }
}

}  // namespace

template <class T>
void row_mse(const Network& network, const float* params, const RowsView& X,
             const std::uint32_t* order, Index n_rows, const Scaling& scaling, Missing missing,
             double* mse, int n_threads, const FactorTable* factors) {
    const Index d = X.n_cols;
    const Rows rows = rows_of(X, scaling, missing, order, n_rows, factors);
    for_each_chunk<T>(
        network, params, rows, 0, network.n_layers(), n_threads,
        [&](Scratch<T>& scratch, Index begin, Index n, T* r, const std::int32_t* const* codes) {
            for (Index i = 0; i < n; ++i) {
                T* row = r + i * scratch.stride;
                FactorErrors levels;
                if (factors) {
                    visit_factor_errors(factors->factors, codes[i], row + d,
                                        [&](Index f, double error) {
                                            levels.total += error;
                                            levels.n_known += factors->factors.n_errors(f);
                                        });
                    zero_padding(1, d, row, 0);  // of the numbers: levels are done
                }
                const T* x = scratch.target(i);
                auto n_known = static_cast<double>(d);
                const double total = scratch.has_unknown_targets()
                                         ? squared_distance(row, x, d, n_known)
                                         : squared_distance(row, x, d);
                n_known += levels.n_known;
                mse[begin + i] = n_known > 0 ? (total + levels.total) / n_known : 0.0;
            }
        });
}

template <class T>
void feature_errors(const Network& network, const float* params, const RowsView& X,
                    const Scaling& scaling, Missing missing, T* errors, int n_threads,
                    const FactorTable* factors) {
    const Index d = X.n_cols;
    const Index width = d + (factors ? factors->factors.n_factors() : 0);
    const Rows rows = rows_of(X, scaling, missing, nullptr, X.n_rows, factors);
    for_each_chunk<T>(
        network, params, rows, 0, network.n_layers(), n_threads,
        [&](Scratch<T>& scratch, Index begin, Index n, T* r, const std::int32_t* const* codes) {
            for (Index i = 0; i < n; ++i) {
                const T* row = r + i * scratch.stride;
                T* out = errors + (begin + i) * width;
                for (Index j = 0; j < d; ++j) {
                    const T e = row[j] - scratch.target(i)[j];
                    out[j] = e * e;
                }
                std::fill(out + d, out + width, std::numeric_limits<T>::quiet_NaN());
                if (!factors) continue;
                visit_factor_errors(
                    factors->factors, codes[i], row + d,
                    [&](Index f, double error) { out[d + f] = static_cast<T>(error); });
            }
        });
}

template <class T>
void reconstruct(const Network& network, const float* params, const RowsView& X,
                 const Scaling& scaling, Missing missing, T* out, int n_threads,
                 const FactorTable* factors, std::int32_t* codes) {
    const Index d = X.n_cols;
    const Rows rows = rows_of(X, scaling, missing, nullptr, X.n_rows, factors);
    for_each_chunk<T>(
        network, params, rows, 0, network.n_layers(), n_threads,
        [&](Scratch<T>& scratch, Index begin, Index n, T* r, const std::int32_t* const*) {
            unscale_rows(scaling, r, scratch.stride, n, d, out + begin * d);
            if (!factors) return;
            write_levels(factors->factors, r, scratch.stride, n,
                         codes + begin * factors->factors.n_factors());
        });
}

template <class T>
void activations(const Network& network, const float* params, const RowsView& X,
                 const Scaling& scaling, Missing missing, Index n_layers, T* out, int n_threads,
                 const FactorTable* factors) {
    const Index width = network.width(n_layers);
    const Rows rows = rows_of(X, scaling, missing, nullptr, X.n_rows, factors);
    for_each_chunk<T>(
        network, params, rows, 0, n_layers, n_threads,
        [&](Scratch<T>& scratch, Index begin, Index n, T* h, const std::int32_t* const*) {
            for (Index i = 0; i < n; ++i) {
                std::copy_n(h + i * scratch.stride, width, out + (begin + i) * width);
            }
        });
}

template <class T>
void decode(const Network& network, const float* params, const RowsView& H, const Scaling& scaling,
            Index first_layer, T* out, int n_threads, const Factors* factors, std::int32_t* codes) {
    const Index d = factors ? factors->n_numbers : network.n_outputs();
    // Codes are the network's own numbers: nothing is scaled on the way in.
    const std::vector<double> zeros(static_cast<std::size_t>(H.n_cols), 0.0);
    const std::vector<double> ones(static_cast<std::size_t>(H.n_cols), 1.0);
    const Scaling identity(zeros.data(), ones.data(), H.n_cols);
    const Rows rows{H, identity, Missing::kNone, nullptr, H.n_rows, factors, nullptr};
    for_each_chunk<T>(
        network, params, rows, first_layer, network.n_layers(), n_threads,
        [&](Scratch<T>& scratch, Index begin, Index n, T* r, const std::int32_t* const*) {
            unscale_rows(scaling, r, scratch.stride, n, d, out + begin * d);
            if (!factors) return;
            write_levels(*factors, r, scratch.stride, n, codes + begin * factors->n_factors());
        });
}

#define FASTAE_INSTANTIATE(T)                                                                      \
    template void row_mse<T>(const Network&, const float*, const RowsView&, const std::uint32_t*,  \
                             Index, const Scaling&, Missing, double*, int, const FactorTable*);    \
    template void feature_errors<T>(const Network&, const float*, const RowsView&, const Scaling&, \
                                    Missing, T*, int, const FactorTable*);                         \
    template void reconstruct<T>(const Network&, const float*, const RowsView&, const Scaling&,    \
                                 Missing, T*, int, const FactorTable*, std::int32_t*);             \
    template void activations<T>(const Network&, const float*, const RowsView&, const Scaling&,    \
                                 Missing, Index, T*, int, const FactorTable*);                     \
    template void decode<T>(const Network&, const float*, const RowsView&, const Scaling&, Index,  \
                            T*, int, const Factors*, std::int32_t*);
FASTAE_INSTANTIATE(float)
FASTAE_INSTANTIATE(double)
#undef FASTAE_INSTANTIATE

}  // namespace fastae
