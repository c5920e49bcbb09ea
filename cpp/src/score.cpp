#include "fastae/score.hpp"

#include <algorithm>

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

/// One thread's buffers: the scaled rows and two activations that layers write in turn.
template <class T>
class Scratch {
  public:
    explicit Scratch(const Network& network) {
        stride = network.widest();
        for (auto& buffer : buffers_) buffer = AlignedBuffer<T>(kChunk * stride);
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
    const T* forward(const Network& network, const float* params, Index first, Index last,
                     Index n) {
        const T* in = input();
        for (Index l = first; l < last; ++l) {
            const Layer& layer = network.layers()[static_cast<std::size_t>(l)];
            T* out = buffers_[static_cast<std::size_t>(1 + (l - first) % 2)].data();
            layer_forward(layer, params, n, in, stride, out, stride);
            in = out;
        }
        return in;
    }

    Index stride;

  private:
    AlignedBuffer<T> buffers_[3];
    AlignedBuffer<T> kept_;  ///< the inputs of a chunk that has NaN; made when there is one
    bool keeps_ = false;
};

/// Calls consume(scratch, first row, rows, result) for chunks of rows order[0 .. n_rows - 1] of X
/// (null: all rows) passed through layers first .. last - 1, on n_threads threads.
template <class T, class Consume>
void for_each_chunk(const Network& network, const float* params, const RowsView& X,
                    const std::uint32_t* order, Index n_rows, const Scaling& scaling,
                    Missing missing, Index first, Index last, int n_threads, Consume&& consume) {
    const bool may_miss = missing != Missing::kNone && is_floating(X.dtype);
    const Index n_chunks = (n_rows + kChunk - 1) / kChunk;
    n_threads = static_cast<int>(std::clamp<Index>(n_chunks, 1, n_threads));
    FirstException error;
#pragma omp parallel num_threads(n_threads)
    error.run([&] {
        Scratch<T> scratch(network);
#pragma omp for schedule(dynamic, 1) nowait
        for (Index chunk = 0; chunk < n_chunks; ++chunk) {
            const Index begin = chunk * kChunk;
            const Index n = std::min(kChunk, n_rows - begin);
            gather_rows(X, scaling, order ? order + begin : nullptr, begin, n, scratch.input(),
                        scratch.stride);
            if (may_miss) scratch.fill(missing, n, X.n_cols);
            consume(scratch, begin, n, scratch.forward(network, params, first, last, n));
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

}  // namespace

template <class T>
void row_mse(const Network& network, const float* params, const RowsView& X,
             const std::uint32_t* order, Index n_rows, const Scaling& scaling, Missing missing,
             double* mse, int n_threads) {
    const Index d = network.n_outputs();
    for_each_chunk<T>(network, params, X, order, n_rows, scaling, missing, 0, network.n_layers(),
                      n_threads, [&](Scratch<T>& scratch, Index begin, Index n, const T* r) {
                          for (Index i = 0; i < n; ++i) {
                              const T* row = r + i * scratch.stride;
                              const T* x = scratch.target(i);
                              auto n_known = static_cast<double>(d);
                              const double total = scratch.has_unknown_targets()
                                                       ? squared_distance(row, x, d, n_known)
                                                       : squared_distance(row, x, d);
                              mse[begin + i] = n_known > 0 ? total / n_known : 0.0;
                          }
                      });
}

template <class T>
void feature_errors(const Network& network, const float* params, const RowsView& X,
                    const Scaling& scaling, Missing missing, T* errors, int n_threads) {
    const Index d = network.n_outputs();
    for_each_chunk<T>(network, params, X, nullptr, X.n_rows, scaling, missing, 0,
                      network.n_layers(), n_threads,
                      [&](Scratch<T>& scratch, Index begin, Index n, const T* r) {
                          for (Index i = 0; i < n; ++i) {
                              for (Index j = 0; j < d; ++j) {
                                  const T e = r[i * scratch.stride + j] - scratch.target(i)[j];
                                  errors[(begin + i) * d + j] = e * e;
                              }
                          }
                      });
}

template <class T>
void reconstruct(const Network& network, const float* params, const RowsView& X,
                 const Scaling& scaling, Missing missing, T* out, int n_threads) {
    const Index d = network.n_outputs();
    for_each_chunk<T>(network, params, X, nullptr, X.n_rows, scaling, missing, 0,
                      network.n_layers(), n_threads,
                      [&](Scratch<T>& scratch, Index begin, Index n, const T* r) {
                          unscale_rows(scaling, r, scratch.stride, n, d, out + begin * d);
                      });
}

template <class T>
void activations(const Network& network, const float* params, const RowsView& X,
                 const Scaling& scaling, Missing missing, Index n_layers, T* out, int n_threads) {
    const Index width = network.width(n_layers);
    for_each_chunk<T>(network, params, X, nullptr, X.n_rows, scaling, missing, 0, n_layers,
                      n_threads, [&](Scratch<T>& scratch, Index begin, Index n, const T* h) {
                          for (Index i = 0; i < n; ++i) {
                              std::copy_n(h + i * scratch.stride, width, out + (begin + i) * width);
                          }
                      });
}

template <class T>
void decode(const Network& network, const float* params, const RowsView& H, const Scaling& scaling,
            Index first_layer, T* out, int n_threads) {
    const Index d = network.n_outputs();
    // Codes are the network's own numbers: nothing is scaled on the way in.
    const std::vector<double> zeros(static_cast<std::size_t>(H.n_cols), 0.0);
    const std::vector<double> ones(static_cast<std::size_t>(H.n_cols), 1.0);
    const Scaling identity(zeros.data(), ones.data(), H.n_cols);
    for_each_chunk<T>(network, params, H, nullptr, H.n_rows, identity, Missing::kNone, first_layer,
                      network.n_layers(), n_threads,
                      [&](Scratch<T>& scratch, Index begin, Index n, const T* r) {
                          unscale_rows(scaling, r, scratch.stride, n, d, out + begin * d);
                      });
}

#define FASTAE_INSTANTIATE(T)                                                                      \
    template void row_mse<T>(const Network&, const float*, const RowsView&, const std::uint32_t*,  \
                             Index, const Scaling&, Missing, double*, int);                        \
    template void feature_errors<T>(const Network&, const float*, const RowsView&, const Scaling&, \
                                    Missing, T*, int);                                             \
    template void reconstruct<T>(const Network&, const float*, const RowsView&, const Scaling&,    \
                                 Missing, T*, int);                                                \
    template void activations<T>(const Network&, const float*, const RowsView&, const Scaling&,    \
                                 Missing, Index, T*, int);                                         \
    template void decode<T>(const Network&, const float*, const RowsView&, const Scaling&, Index,  \
                            T*, int);
FASTAE_INSTANTIATE(float)
FASTAE_INSTANTIATE(double)
#undef FASTAE_INSTANTIATE

}  // namespace fastae
