#include "helpers.hpp"

#include <algorithm>
#include <cmath>

namespace fastae {

RowMatrix<float> table(Index n, Index d, std::uint64_t seed) {
    const RowMatrix<float> place = random_matrix(n, 2, seed);
    const RowMatrix<float> axes = random_matrix(2, d, seed + 1);
    RowMatrix<float> X = random_matrix(n, d, seed + 2, -0.05, 0.05);
    for (Index i = 0; i < n; ++i) X.row(i) += place(i, 0) * axes.row(0) + place(i, 1) * axes.row(1);
    return X;
}

TestModel::TestModel(const std::vector<Index>& widths, const std::vector<Activation>& activations,
                     std::uint64_t seed)
    : TestModel(Network(widths, activations), AlignedBuffer<float>()) {
    Uniform uniform(seed);
    for (const Layer& layer : network.layers()) {
        const double limit = std::sqrt(6.0 / static_cast<double>(layer.fan_in + layer.fan_out));
        for (Index r = 0; r < layer.n_rows; ++r) {
            float* row = params.data() + layer.weight_offset + r * layer.stride;
            std::generate_n(row, layer.n_cols,
                            [&] { return static_cast<float>(uniform(-limit, limit)); });
        }
        std::generate_n(params.data() + layer.bias_offset, layer.fan_out,
                        [&] { return static_cast<float>(uniform(-0.3, 0.3)); });
    }
}

TestModel::TestModel(const Network& shape, const AlignedBuffer<float>& start)
    : network(shape),
      params(shape.size()),
      slots(2 * shape.size()),
      averages(static_cast<std::size_t>(shape.hidden_offset(shape.n_layers())), 0.0f),
      shift(static_cast<std::size_t>(shape.n_inputs()), 0.0),
      scale(static_cast<std::size_t>(shape.n_inputs()), 1.0) {
    if (start.data()) std::copy_n(start.data(), shape.size(), params.data());
}

TestModel TestModel::deep(const std::vector<Index>& widths, Activation hidden, Activation output,
                          std::uint64_t seed) {
    std::vector<Activation> activations(widths.size() - 1, hidden);
    activations.back() = output;
    return TestModel(widths, activations, seed);
}

plain::Matrix TestModel::scaled(plain::Matrix X) const {
    for (Index j = 0; j < X.cols(); ++j) {
        const auto k = static_cast<std::size_t>(j);
        for (Index i = 0; i < X.rows(); ++i) X(i, j) = (X(i, j) - shift[k]) * scale[k];
    }
    return X;
}

::testing::AssertionResult TestModel::padding_is_zero() const {
    std::vector<bool> used(static_cast<std::size_t>(network.size()), false);
    const auto mark = [&](Index begin, Index n) { std::fill_n(used.begin() + begin, n, true); };
    for (const Layer& layer : network.layers()) {
        for (Index r = 0; r < layer.n_rows; ++r) {
            mark(layer.weight_offset + r * layer.stride, layer.n_cols);
        }
        mark(layer.bias_offset, layer.fan_out);
    }
    for (Index i = 0; i < network.size(); ++i) {
        if (used[static_cast<std::size_t>(i)]) continue;
        for (const float value :
             {params.data()[i], slots.data()[i], slots.data()[network.size() + i]}) {
            if (value != 0) {
                return ::testing::AssertionFailure() << value << " in the padding at " << i;
            }
        }
    }
    for (Index l = 1; l < network.n_layers(); ++l) {
        const Index width = network.width(l);
        for (Index j = width; j < whole_lines(width); ++j) {
            const float value = averages[static_cast<std::size_t>(network.hidden_offset(l) + j)];
            if (value != 0) {
                return ::testing::AssertionFailure() << value << " in the averages' padding";
            }
        }
    }
    return ::testing::AssertionSuccess();
}

bool TestModel::is_finite() const {
    return std::all_of(params.data(), params.data() + network.size(),
                       [](float value) { return std::isfinite(value); });
}

::testing::AssertionResult same_state(const TestModel& a, const TestModel& b) {
    auto params = same_bits(a.params.data(), b.params.data(), a.network.size());
    if (!params) return params << " (parameters)";
    auto slots = same_bits(a.slots.data(), b.slots.data(), 2 * a.network.size());
    if (!slots) return slots << " (state)";
    const auto n_averages = static_cast<Index>(a.averages.size());
    return same_bits(a.averages.data(), b.averages.data(), n_averages) << " (averages)";
}

::testing::AssertionResult near(const plain::Matrix& actual, const plain::Matrix& expected,
                                const plain::Matrix& tolerance) {
    for (Index i = 0; i < expected.rows(); ++i) {
        for (Index j = 0; j < expected.cols(); ++j) {
            const double gap = std::abs(actual(i, j) - expected(i, j));
            if (gap <= tolerance(i, j)) continue;
            return ::testing::AssertionFailure()
                   << "(" << i << ", " << j << ") is " << actual(i, j) << ", expected "
                   << expected(i, j) << ": off by " << gap << ", allowed " << tolerance(i, j);
        }
    }
    return ::testing::AssertionSuccess();
}

::testing::AssertionResult near(const plain::Matrix& actual, const plain::Matrix& expected,
                                double tolerance) {
    return near(actual, expected,
                plain::Matrix::Constant(expected.rows(), expected.cols(), tolerance));
}

}  // namespace fastae
