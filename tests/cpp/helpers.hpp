#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fastae/objective.hpp"
#include "fastae/optimiser.hpp"
#include "fastae/parted.hpp"
#include "fastae/rows.hpp"
#include "fastae/scratch.hpp"
#include "fastae/weights.hpp"
#include "plain.hpp"

namespace fastae {

// Both sides of every vector width and of every tile.
inline const std::vector<Index> kSizes{1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 80, 81, 100};

inline const std::vector<Activation> kActivations{Activation::kTanh, Activation::kRelu,
                                                  Activation::kElu, Activation::kLogistic,
                                                  Activation::kIdentity};

inline std::ostream& operator<<(std::ostream& out, Activation kind) {
    const char* names[] = {"tanh", "relu", "elu", "logistic", "identity"};
    return out << names[static_cast<int>(kind)];
}

/// Uniform numbers, the same on every machine (std::uniform_real_distribution is not).
class Uniform {
  public:
    explicit Uniform(std::uint64_t seed) : bits_(seed) {}

    double operator()(double low, double high) {
        return low + (high - low) * std::ldexp(static_cast<double>(bits_() >> 11), -53);
    }

  private:
    std::mt19937_64 bits_;
};

template <class T = float>
RowMatrix<T> random_matrix(Index n, Index d, std::uint64_t seed, double low = -1, double high = 1) {
    Uniform uniform(seed);
    RowMatrix<T> X(n, d);
    for (Index i = 0; i < X.size(); ++i) X.data()[i] = static_cast<T>(uniform(low, high));
    return X;
}

/// Rows near a plane, which an autoencoder can learn.
RowMatrix<float> table(Index n, Index d, std::uint64_t seed);

template <class T>
constexpr DType dtype_of() {
    if (std::is_same_v<T, bool>) return DType::kBool;
    if (std::is_same_v<T, float>) return DType::kFloat32;
    if (std::is_same_v<T, double>) return DType::kFloat64;
    const DType of_signed[] = {DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64};
    const DType of_unsigned[] = {DType::kUint8, DType::kUint16, DType::kUint32, DType::kUint64};
    const int log_size = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return std::is_signed_v<T> ? of_signed[log_size] : of_unsigned[log_size];
}

template <class T>
RowsView view_of(const RowMatrix<T>& X) {
    const Index size = sizeof(T);
    return {X.data(), dtype_of<T>(), X.rows(), X.cols(), X.cols() * size, size};
}

template <class T>
MatrixView<T> matrix(T* data, Index n, Index d, Index stride) {
    return MatrixView<T>(data, n, d, Eigen::OuterStride<>(stride));
}

/// A network with random weights and biases, the optimiser's state, average activations of 0, and
/// no scaling unless set.
struct TestModel {
    Network network;
    AlignedBuffer<float> params;
    AlignedBuffer<float> slots;
    std::vector<float> averages;
    std::vector<double> shift;
    std::vector<double> scale;

    TestModel(const std::vector<Index>& widths, const std::vector<Activation>& activations,
              std::uint64_t seed = 1);

    /// Another network of the same shape and weights, with fresh state.
    TestModel(const Network& shape, const AlignedBuffer<float>& start);

    /// Hidden layers of one activation, the output of another.
    static TestModel deep(const std::vector<Index>& widths, Activation hidden, Activation output,
                          std::uint64_t seed = 1);

    /// For any solver and objective.
    Weights weights() { return {params.data(), slots.data(), network.size(), averages.data()}; }
    /// With null where there is no such state, as the bindings pass it.
    Weights weights(const SolverOptions& options, const Objective& objective) {
        return {params.data(), options.n_slots() > 0 ? slots.data() : nullptr, network.size(),
                objective.is_sparse() ? averages.data() : nullptr};
    }
    Scaling scaling() const { return {shift.data(), scale.data(), network.n_inputs()}; }
    plain::Net net() const { return {network, params.data()}; }

    /// X in the network's units, in double precision.
    plain::Matrix scaled(plain::Matrix X) const;

    /// Whether all parameters and all state are zero where no weight, bias or unit lies.
    ::testing::AssertionResult padding_is_zero() const;

    bool is_finite() const;
};

/// A model's weights in the layout of training, from the constructor to unpack(). Averages are the
/// model's own.
class PartedModel {
  public:
    PartedModel(TestModel& model, const SolverOptions& options)
        : layout(model.network),
          model_(model),
          n_slots_(options.n_slots()),
          parted_(layout, n_slots_, model.averages.data()) {
        layout.pack(model.weights(), parted_.weights(), n_slots_);
    }

    const Weights& weights() const { return parted_.weights(); }
    void unpack() const { layout.unpack(parted_.weights(), model_.weights(), n_slots_); }

    const PartedLayout layout;

  private:
    TestModel& model_;
    const int n_slots_;
    PartedWeights parted_;
};

/// Whether two models have the same parameters, state and averages, bit for bit.
::testing::AssertionResult same_state(const TestModel& a, const TestModel& b);

/// Calls f(thread) in `team` threads at once. Not with OpenMP, which may give fewer.
template <class F>
void on_team(int team, F&& f) {
    std::vector<std::thread> others;
    for (int thread = 1; thread < team; ++thread) others.emplace_back([&f, thread] { f(thread); });
    f(0);
    for (std::thread& other : others) other.join();
}

/// Whether two arrays of n elements are equal bit for bit.
template <class T>
::testing::AssertionResult same_bits(const T* a, const T* b, Index n) {
    for (Index i = 0; i < n; ++i) {
        if (std::memcmp(a + i, b + i, sizeof(T)) != 0) {
            return ::testing::AssertionFailure()
                   << "element " << i << " of " << n << " is " << +a[i] << " and " << +b[i];
        }
    }
    return ::testing::AssertionSuccess();
}

template <class T>
::testing::AssertionResult same_bits(const RowMatrix<T>& a, const RowMatrix<T>& b) {
    if (a.rows() != b.rows() || a.cols() != b.cols()) {
        return ::testing::AssertionFailure() << "the shapes differ";
    }
    return same_bits(a.data(), b.data(), a.size());
}

/// Whether |actual - expected| <= tolerance, of the same shape, everywhere in `expected`; `actual`
/// may be larger.
::testing::AssertionResult near(const plain::Matrix& actual, const plain::Matrix& expected,
                                const plain::Matrix& tolerance);
::testing::AssertionResult near(const plain::Matrix& actual, const plain::Matrix& expected,
                                double tolerance);

/// Largest sum of n products of float or double numbers' rounding errors, where the sum of the
/// products' magnitudes is 1.
template <class T>
double sum_rounding(Index n) {
    return static_cast<double>(n + 2) * std::numeric_limits<T>::epsilon() / 2;
}

}  // namespace fastae
