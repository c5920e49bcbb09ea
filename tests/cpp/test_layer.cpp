#include "fastae/layer.hpp"
#include "helpers.hpp"

namespace fastae::layer_test {

using plain::Matrix;

template <class T>
class LayerPasses : public ::testing::Test {
  protected:
    /// Calls check(model of one layer, n rows) for narrowing, square and widening layers.
    template <class Check>
    static void on_layers(Check&& check) {
        for (const Activation kind : kActivations) {
            for (const Index wide : {4, 17, 33, 100}) {
                for (const Index narrow : {1, 4, 16, 17}) {
                    if (narrow > wide) continue;
                    for (const auto& [from, to] :
                         {std::pair(wide, narrow), std::pair(narrow, wide)}) {
                        SCOPED_TRACE(::testing::Message() << kind << ", " << from << " to " << to);
                        check(TestModel({from, to}, {kind}), 7);
                    }
                }
            }
        }
    }

    static RowMatrix<T> rows(Index n, Index d, Index stride, std::uint64_t seed) {
        RowMatrix<T> X = RowMatrix<T>::Zero(n, stride);
        X.leftCols(d) = random_matrix<T>(n, d, seed, -2, 2);
        return X;
    }

    static bool padding_is_zero(const RowMatrix<T>& rows, Index width) {
        const Index whole = (width + kPad - 1) / kPad * kPad;
        return (rows.middleCols(width, whole - width).array() == 0).all();
    }
};
using Elements = ::testing::Types<float, double>;
TYPED_TEST_SUITE(LayerPasses, Elements);

TYPED_TEST(LayerPasses, ForwardEqualsPlain) {
    using T = TypeParam;
    this->on_layers([&](const TestModel& model, Index n) {
        const Layer& layer = model.network.layers()[0];
        const Index in_stride = padded(layer.fan_in), out_stride = padded(layer.fan_out);
        const RowMatrix<T> X = this->rows(n, layer.fan_in, in_stride, 3);
        const Matrix in = X.leftCols(layer.fan_in).template cast<double>();
        // What was in the buffer before must not matter, in its padding either.
        RowMatrix<T> z = RowMatrix<T>::Constant(n, out_stride, 5);
        layer_preactivation(layer, model.params.data(), n, X.data(), in_stride, z.data(),
                            out_stride);
        const auto forward = [&](Index first, Index count) {
            RowMatrix<T> h = RowMatrix<T>::Constant(count, out_stride, static_cast<T>(first));
            layer_forward(layer, model.params.data(), count, X.row(first).data(), in_stride,
                          h.data(), out_stride);
            return h;
        };
        const RowMatrix<T> h = forward(0, n);
        const double tolerance = 30 * std::numeric_limits<T>::epsilon();
        EXPECT_TRUE(near(z.template cast<double>(), model.net().preactivation(0, in), tolerance));
        EXPECT_TRUE(near(h.template cast<double>(), model.net().forward(in)[1], tolerance));
        EXPECT_TRUE(this->padding_is_zero(h, layer.fan_out));
        for (Index b = 0; b < n; ++b) {
            const RowMatrix<T> alone = forward(b, 1);
            EXPECT_TRUE(same_bits(alone.data(), h.row(b).data(), layer.fan_out)) << "row " << b;
        }
    });
}

TEST(ZeroPadding, ClearsWholeVectorsOnly) {
    for (const Index width : {1, 15, 16, 17, 31, 32}) {
        RowMatrix<float> rows = RowMatrix<float>::Constant(3, 64, 1);
        zero_padding<float>(2, width, rows.data(), 64);
        const Index end = (width + kPad - 1) / kPad * kPad;
        EXPECT_TRUE((rows.leftCols(width).array() == 1).all());
        EXPECT_TRUE((rows.block(0, width, 2, end - width).array() == 0).all());
        EXPECT_TRUE((rows.rightCols(64 - end).array() == 1).all());
        EXPECT_TRUE((rows.row(2).array() == 1).all());
    }
}

}  // namespace fastae::layer_test
