#include "fastae/score.hpp"
#include "helpers.hpp"

namespace fastae::score_test {

using plain::Matrix;

/// What every scoring function makes of a table.
template <class T>
struct Outputs {
    RowMatrix<double> mse;
    RowMatrix<T> errors, reconstruction;
    std::vector<RowMatrix<T>> activations;  ///< [n_layers]
    std::vector<RowMatrix<T>> decoded;      ///< [first_layer], from activations[first_layer]

    template <class Source>
    Outputs(const TestModel& model, const RowMatrix<Source>& X, int n_threads,
            Missing missing = Missing::kNone)
        : mse(X.rows(), 1), errors(X.rows(), X.cols()), reconstruction(X.rows(), X.cols()) {
        const Network& network = model.network;
        const float* params = model.params.data();
        const RowsView view = view_of(X);
        const Scaling scaling = model.scaling();
        row_mse<T>(network, params, view, nullptr, X.rows(), scaling, missing, mse.data(),
                   n_threads);
        feature_errors<T>(network, params, view, scaling, missing, errors.data(), n_threads);
        reconstruct<T>(network, params, view, scaling, missing, reconstruction.data(), n_threads);
        for (Index l = 0; l <= network.n_layers(); ++l) {
            activations.emplace_back(X.rows(), network.width(l));
            fastae::activations<T>(network, params, view, scaling, missing, l,
                                   activations.back().data(), n_threads);
            decoded.emplace_back(X.rows(), X.cols());
            decode<T>(network, params, view_of(activations.back()), scaling, l,
                      decoded.back().data(), n_threads);
        }
    }
};

template <class T>
class Score : public ::testing::Test {
  protected:
    static constexpr double kEps = std::numeric_limits<T>::epsilon();

    static TestModel scaled_model(const std::vector<Index>& widths, Activation hidden,
                                  Activation output) {
        TestModel model = TestModel::deep(widths, hidden, output);
        Uniform uniform(11);
        for (double& shift : model.shift) shift = uniform(-20, 20);
        for (double& scale : model.scale) scale = uniform(0.2, 2);
        return model;
    }

    /// Rows around the model's shift.
    static RowMatrix<T> rows(const TestModel& model, Index n) {
        RowMatrix<T> X = random_matrix<T>(n, model.network.n_inputs(), 12, -2, 2);
        for (Index j = 0; j < X.cols(); ++j) {
            X.col(j).array() += static_cast<T>(model.shift[static_cast<std::size_t>(j)]);
        }
        return X;
    }
};
using Elements = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Score, Elements);

TYPED_TEST(Score, EverythingEqualsPlain) {
    using T = TypeParam;
    const double eps = this->kEps;
    for (const Activation hidden : kActivations) {
        for (const Activation output : kActivations) {
            for (const std::vector<Index>& widths :
                 {std::vector<Index>{17, 4, 17}, {3, 20, 3}, {33, 16, 5, 16, 33}, {8, 8}, {1, 1}}) {
                SCOPED_TRACE(::testing::Message() << hidden << ", " << output << ", "
                                                  << ::testing::PrintToString(widths));
                const TestModel model = this->scaled_model(widths, hidden, output);
                const RowMatrix<T> X = this->rows(model, 37);
                const Outputs<T> out(model, X, 2);
                const Matrix x = model.scaled(X.template cast<double>());
                const std::vector<Matrix> h = model.net().forward(x);
                const Matrix error = (h.back() - x).cwiseAbs2();
                const double size = 1 + h.back().cwiseAbs().maxCoeff() + x.cwiseAbs().maxCoeff();
                const double tolerance = 200 * eps * size;  // of numbers of that size
                EXPECT_TRUE(near(out.mse, error.rowwise().mean(), tolerance * size));
                EXPECT_TRUE(near(out.errors.template cast<double>(), error, tolerance * size));
                for (std::size_t l = 0; l < h.size(); ++l) {
                    EXPECT_TRUE(near(out.activations[l].template cast<double>(), h[l], tolerance))
                        << l << " layers";
                }
                for (Index j = 0; j < X.cols(); ++j) {
                    const auto k = static_cast<std::size_t>(j);
                    const Matrix own = h.back().col(j).array() / model.scale[k] + model.shift[k];
                    EXPECT_TRUE(near(out.reconstruction.col(j).template cast<double>(), own,
                                     tolerance / model.scale[k] + 40 * eps));
                }
            }
        }
    }
}

TYPED_TEST(Score, DecodingTheActivationsReconstructs) {
    const TestModel model =
        this->scaled_model({17, 9, 4, 9, 17}, Activation::kTanh, Activation::kElu);
    const Outputs<TypeParam> out(model, this->rows(model, 50), 1);
    for (const auto& decoded : out.decoded) EXPECT_TRUE(same_bits(decoded, out.reconstruction));
}

TYPED_TEST(Score, AnyNumberOfThreadsGivesTheSameBits) {
    const TestModel model =
        this->scaled_model({33, 50, 7, 33}, Activation::kLogistic, Activation::kTanh);
    for (const Index n : {1, 31, 32, 33, 200}) {
        const RowMatrix<TypeParam> X = this->rows(model, n);
        const Outputs<TypeParam> alone(model, X, 1);
        for (const int n_threads : {2, 3, 4}) {
            const Outputs<TypeParam> shared(model, X, n_threads);
            EXPECT_TRUE(same_bits(shared.mse, alone.mse));
            EXPECT_TRUE(same_bits(shared.errors, alone.errors));
            EXPECT_TRUE(same_bits(shared.reconstruction, alone.reconstruction));
            for (std::size_t l = 0; l < alone.activations.size(); ++l) {
                EXPECT_TRUE(same_bits(shared.activations[l], alone.activations[l]));
                EXPECT_TRUE(same_bits(shared.decoded[l], alone.decoded[l]));
            }
        }
    }
}

TYPED_TEST(Score, ARowGivesTheSameBitsInAnyBatch) {
    using T = TypeParam;
    const TestModel model =
        this->scaled_model({40, 17, 3, 40}, Activation::kTanh, Activation::kLogistic);
    const RowMatrix<T> X = this->rows(model, 70);
    const Outputs<T> all(model, X, 1);
    for (const Index first : {0, 1, 5, 31, 32, 63}) {
        for (const Index n : {1, 2, 3, 7}) {
            const RowMatrix<T> part = X.middleRows(first, n);
            const Outputs<T> some(model, part, 1);
            EXPECT_TRUE(same_bits<double>(some.mse, all.mse.middleRows(first, n)));
            EXPECT_TRUE(same_bits<T>(some.errors, all.errors.middleRows(first, n)));
            EXPECT_TRUE(same_bits<T>(some.reconstruction, all.reconstruction.middleRows(first, n)));
            EXPECT_TRUE(same_bits<T>(some.activations[2], all.activations[2].middleRows(first, n)));
        }
    }
}

TYPED_TEST(Score, ChosenRowsGiveTheSameBits) {
    using T = TypeParam;
    const TestModel model =
        this->scaled_model({40, 17, 3, 40}, Activation::kTanh, Activation::kElu);
    const RowMatrix<T> X = this->rows(model, 70);
    const Outputs<T> all(model, X, 1);
    const RowsView view = view_of(X);
    const Scaling scaling = model.scaling();
    for (const Index n : {0, 1, 31, 33, 200}) {  // of 70: some several times
        std::vector<std::uint32_t> order;
        for (Index i = 0; i < n; ++i) order.push_back(static_cast<std::uint32_t>(i * 29 % 70));
        for (const int n_threads : {1, 3}) {
            std::vector<double> mse(static_cast<std::size_t>(n));
            row_mse<T>(model.network, model.params.data(), view, order.data(), n, scaling,
                       Missing::kNone, mse.data(), n_threads);
            for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(mse[i], all.mse(order[i], 0));
        }
    }
}

/// The table with NaN in every seventh cell, and in all of row 2.
template <class T>
RowMatrix<T> with_gaps(RowMatrix<T> X) {
    for (Index k = 0; k < X.size(); k += 7) X.data()[k] = std::numeric_limits<T>::quiet_NaN();
    X.row(2).setConstant(std::numeric_limits<T>::quiet_NaN());
    return X;
}

TYPED_TEST(Score, MissingCellsAreZeroAndHaveNoErrorOrThatOfZero) {
    using T = TypeParam;
    for (const std::vector<Index>& widths : {std::vector<Index>{17, 4, 17}, {3, 20, 3}, {8, 8}}) {
        const TestModel model = this->scaled_model(widths, Activation::kTanh, Activation::kElu);
        const RowMatrix<T> X = with_gaps(this->rows(model, 70));
        const Matrix scaled = model.scaled(X.template cast<double>());
        const Matrix x = scaled.array().isNaN().select(0.0, scaled);
        const std::vector<Matrix> h = model.net().forward(x);
        const Matrix error = (h.back() - x).cwiseAbs2();
        const double size = 1 + h.back().cwiseAbs().maxCoeff() + x.cwiseAbs().maxCoeff();
        const double tolerance = 200 * this->kEps * size;  // of numbers of that size
        const Outputs<T> imputed(model, X, 2, Missing::kImputed);
        EXPECT_TRUE(near(imputed.mse, error.rowwise().mean(), tolerance * size));
        EXPECT_TRUE(near(imputed.errors.template cast<double>(), error, tolerance * size));
        const Outputs<T> ignored(model, X, 2, Missing::kIgnored);
        for (Index i = 0; i < X.rows(); ++i) {
            double sum = 0, n = 0;
            for (Index j = 0; j < X.cols(); ++j) {
                const bool known = X(i, j) == X(i, j);
                EXPECT_EQ(std::isnan(ignored.errors(i, j)), !known);
                if (known) {
                    EXPECT_EQ(ignored.errors(i, j), imputed.errors(i, j));
                }
                sum += known ? error(i, j) : 0;
                n += known;
            }
            EXPECT_NEAR(ignored.mse(i, 0), n > 0 ? sum / n : 0, tolerance * size);
        }
        EXPECT_EQ(ignored.mse(2, 0), 0);
        EXPECT_TRUE(same_bits(ignored.reconstruction, imputed.reconstruction));
        for (std::size_t l = 0; l < h.size(); ++l) {
            EXPECT_TRUE(near(ignored.activations[l].template cast<double>(), h[l], tolerance));
            EXPECT_TRUE(same_bits(ignored.activations[l], imputed.activations[l]));
        }
    }
}

TYPED_TEST(Score, CompleteRowsKeepTheirBitsBesideMissingCells) {
    using T = TypeParam;
    const TestModel model = this->scaled_model({3, 17, 3}, Activation::kTanh, Activation::kTanh);
    const RowMatrix<T> X = this->rows(model, 70), gaps = with_gaps(X);
    const Outputs<T> complete(model, X, 1);
    for (const Missing missing : {Missing::kNone, Missing::kIgnored, Missing::kImputed}) {
        const Outputs<T> made(model, gaps, 2, missing);
        for (Index i = 0; i < X.rows(); ++i) {
            const bool known = (gaps.row(i).array() == gaps.row(i).array()).all();
            if (!known) {
                EXPECT_EQ(std::isnan(made.mse(i, 0)), missing == Missing::kNone);
                continue;
            }
            EXPECT_EQ(made.mse(i, 0), complete.mse(i, 0));
            EXPECT_TRUE(same_bits<T>(made.errors.row(i), complete.errors.row(i)));
            EXPECT_TRUE(same_bits<T>(made.reconstruction.row(i), complete.reconstruction.row(i)));
        }
        EXPECT_TRUE(same_bits(Outputs<T>(model, X, 1, missing).mse, complete.mse));
    }
}

TEST(ScoreTypes, IntegersAreReadAsTheyAre) {
    const TestModel model({9, 4, 9}, {Activation::kTanh, Activation::kIdentity});
    const RowMatrix<std::int64_t> X = random_matrix<std::int64_t>(20, 9, 4, -5, 6);
    const RowMatrix<double> same = X.cast<double>();
    EXPECT_TRUE(same_bits(Outputs<double>(model, X, 1).mse, Outputs<double>(model, same, 1).mse));
    const RowMatrix<std::int8_t> narrow = X.cast<std::int8_t>();
    const RowMatrix<float> same_float = X.cast<float>();
    EXPECT_TRUE(
        same_bits(Outputs<float>(model, narrow, 1).mse, Outputs<float>(model, same_float, 1).mse));
}

TEST(ScoreTypes, NoRowsAreNoWork) {
    const TestModel model({9, 4, 9}, {Activation::kTanh, Activation::kIdentity});
    const Outputs<float> none(model, RowMatrix<float>(0, 9), 3);
    EXPECT_EQ(none.mse.size(), 0);
}

}  // namespace fastae::score_test
