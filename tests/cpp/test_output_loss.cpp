#include <cmath>
#include <limits>

#include "fastae/output_loss.hpp"
#include "helpers.hpp"
#include "plain_objective.hpp"
#include "steps.hpp"

namespace fastae::output_loss_test {

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A matrix of the core's with memory of its own, which is NaN where nothing was written.
class Rows {
  public:
    Rows(const plain::Matrix& values, bool by_columns)
        : matrix(values.rows(), values.cols(), by_columns) {
        for (int part = 0; part < kParts; ++part) {
            memory_[part] = AlignedBuffer<float>(matrix.floats(part) + kPad);
            std::fill_n(memory_[part].data(), matrix.floats(part) + kPad, kNan);
            if (by_columns || part == 0) matrix.place(part, memory_[part].data());
        }
        for (Index i = 0; i < values.rows(); ++i) {
            for (Index j = 0; j < values.cols(); ++j) {
                at(i, j) = static_cast<float>(values(i, j));
            }
        }
    }

    float& at(Index row, Index column) {
        const int part = matrix.part_of(column);
        return matrix.at(part, row)[column - matrix.columns(part).begin];
    }

    plain::Matrix values(Index n, Index width) {
        plain::Matrix result(n, width);
        for (Index i = 0; i < n; ++i) {
            for (Index j = 0; j < width; ++j) result(i, j) = at(i, j);
        }
        return result;
    }

    /// Whether whole lines are filled up with zeros, and nothing was written behind them.
    bool padding_is_zero(Index n) {
        bool zero = true;
        for (int part = 0; part < kParts; ++part) {
            for (Index i = 0; i < n; ++i) {
                const float* row = matrix.at(part, i);
                const Index used = matrix.used(part);
                for (Index j = used; j < whole_lines(used); ++j) zero = zero && row[j] == 0;
            }
            if (matrix.by_columns() || part == 0) {
                zero = zero && std::isnan(memory_[part].data()[matrix.floats(part)]);
            }
        }
        return zero;
    }

    PartMatrix matrix;

  private:
    AlignedBuffer<float> memory_[kParts];
};

/// Rows of some outputs, what they should be, and the same in double precision.
struct Problem {
    Index n_inputs, n_reconstructed, n_targets;
    Activation activation = Activation::kIdentity;
    Objective objective{};
    Index n = 7;
    plain::Matrix z{}, target{};          ///< (n, n_outputs), target in the order of the rows
    std::vector<float> weights{};         ///< by row of the table, as the next two
    std::vector<std::int32_t> classes{};  ///< empty: the targets are numbers
    std::unique_ptr<bool[]> anomalous{};  ///< or null
    Order order{4, 0, 6, 2, 1, 3, 5, 9};  ///< the last is not in the mini-batch
    static constexpr Index kTableRows = 10;

    Problem(Index inputs, Index reconstructed, Index targets)
        : n_inputs(inputs), n_reconstructed(reconstructed), n_targets(targets) {
        objective.n_targets = targets;
        objective.loss = Loss::kHuber;
        objective.loss_parameter = 0.4;
        objective.target_weight = targets ? 1.7 : 1;
        objective.reconstruction_weight = targets ? 0.6 : 1;
        z = random_matrix(n, n_outputs(), 1, -3, 3).cast<double>();
        target = random_matrix(n, n_outputs(), 2).cast<double>();
        Uniform uniform(3);
        for (Index i = 0; i < kTableRows; ++i) {
            weights.push_back(static_cast<float>(uniform(0.2, 2)));
        }
    }

    Index n_outputs() const { return n_reconstructed + n_targets; }
    double weight(Index row) const { return weights[order[static_cast<std::size_t>(row)]]; }

    Problem& with_classes(std::uint64_t seed) {
        objective.classes = true;
        Uniform uniform(seed);
        for (Index i = 0; i < kTableRows; ++i) {
            const double one = std::floor(uniform(-0.2, 1) * static_cast<double>(n_targets));
            classes.push_back(static_cast<std::int32_t>(one));
        }
        classes[6] = -1;
        target.rightCols(n_targets).setConstant(kNan);  // not to be read
        return *this;
    }
    Problem& with_unknown_numbers() {
        Uniform uniform(5);
        for (Index i = 0; i < n; ++i) {
            for (Index j = n_reconstructed; j < n_outputs(); ++j) {
                if (i == 2 || uniform(0, 1) < 0.3) target(i, j) = kNan;
            }
        }
        return *this;
    }

    /// What OutputLoss should make of it.
    plain::Matrix slopes() const;
    Errors errors() const;

  private:
    plain::Matrix output_errors() const;
    bool is_anomaly(Index row) const { return anomalous && anomalous[order[row]]; }
    std::int32_t class_of(Index row) const { return classes[order[static_cast<std::size_t>(row)]]; }
};

/// Reconstruction, and numbers; 0 where these are not known or there are classes.
plain::Matrix Problem::output_errors() const {
    return z.binaryExpr(target, [&](double pre, double t) {
        return std::isnan(t) ? 0.0 : plain::activate(activation, pre) - t;
    });
}

/// Of one row.
plain::Vector log_softmax(const plain::Vector& logits) {
    const double largest = logits.maxCoeff();
    return logits.array() - (largest + std::log((logits.array() - largest).exp().sum()));
}

plain::Matrix Problem::slopes() const {
    const double delta = objective.loss_parameter;
    const plain::Matrix e = output_errors();
    plain::Matrix result = e.unaryExpr([&](double x) { return std::clamp(x, -delta, delta); });
    result.array() *=
        z.unaryExpr([&](double pre) { return plain::slope(activation, pre); }).array();
    for (Index i = 0; i < n; ++i) {
        if (!classes.empty() && class_of(i) >= 0) {
            result.row(i).tail(n_targets) =
                log_softmax(z.row(i).tail(n_targets)).array().exp().matrix().transpose();
            result(i, n_reconstructed + class_of(i)) -= 1;
        }
        if (is_anomaly(i)) {
            result.row(i) *= e.row(i).squaredNorm() / n_reconstructed < objective.margin ? -1 : 0;
        }
        result.row(i) *= weight(i) / static_cast<double>(n);
    }
    result.leftCols(n_reconstructed) *= objective.reconstruction_weight;
    result.rightCols(n_targets) *= objective.target_weight;
    return result;
}

Errors Problem::errors() const {
    const plain::Matrix e = output_errors();
    Errors total;
    for (Index i = 0; i < n; ++i) {
        if (is_anomaly(i)) continue;
        total.reconstruction += weight(i) * e.row(i).head(n_reconstructed).squaredNorm();
        total.targets += weight(i) * e.row(i).tail(n_targets).squaredNorm();
        if (!classes.empty() && class_of(i) >= 0) {
            total.targets -= weight(i) * log_softmax(z.row(i).tail(n_targets))[class_of(i)];
        }
    }
    return total;
}

/// The rows that the problem speaks of; nobody reads their columns.
struct TableOf {
    RowMatrix<float> X;
    RowsView view = view_of(X);
    std::vector<double> ones;
    Scaling scaling;
    TrainingTable table{view, scaling};

    explicit TableOf(const Problem& problem)
        : X(RowMatrix<float>::Zero(Problem::kTableRows, problem.n_inputs)),
          ones(static_cast<std::size_t>(problem.n_inputs), 1),
          scaling(ones.data(), ones.data(), problem.n_inputs) {
        table.weights = problem.weights.data();
        table.classes = problem.classes.empty() ? nullptr : problem.classes.data();
        table.anomalous = problem.anomalous.get();
    }
};

struct Made {
    RowMatrix<double> slopes;
    Errors errors;
};

/// What OutputLoss makes of it in a team that shares rows, and columns where it may.
Made made_of(const Problem& problem, bool by_columns, int team) {
    const Network network({problem.n_inputs, problem.n_outputs()}, {problem.activation});
    OutputLoss loss(network, problem.objective, problem.n + 2, team);
    EXPECT_EQ(loss.first_target(), problem.n_reconstructed);
    const TableOf table(problem);
    const Batch batch{table.table, problem.order.data(), problem.n, {}, 0};
    Rows z(problem.z, by_columns), target(problem.target, true);
    const bool halves = by_columns && team % 2 == 0 && !loss.needs_whole_rows(batch);
    on_team(team, [&](int thread) {
        const int per_half = halves ? team / 2 : team;
        const int first = halves ? thread / per_half * (kParts / 2) : 0;
        loss.differentiate(thread, split(problem.n, thread % per_half, per_half), first,
                           first + (halves ? kParts / 2 : kParts), batch, target.matrix, z.matrix);
    });
    EXPECT_TRUE(z.padding_is_zero(problem.n));
    return {z.values(problem.n, problem.n_outputs()), loss.errors(problem.n)};
}

/// Compares what every team makes of either layout with double precision, and among each other.
void expect_plain(const Problem& problem) {
    const plain::Matrix slopes = problem.slopes();
    const Errors errors = problem.errors();
    const auto width = static_cast<double>(problem.n_outputs());
    const Made first = made_of(problem, true, 1);
    EXPECT_TRUE(near(first.slopes, slopes, (16 + width) * kEpsilon));
    EXPECT_NEAR(first.errors.reconstruction, errors.reconstruction,
                1e-6 * (1 + errors.reconstruction));
    EXPECT_NEAR(first.errors.targets, errors.targets, 2e-6 * (1 + errors.targets) + width * 1e-6);
    for (const bool by_columns : {true, false}) {
        for (int team = 1; team <= 4; ++team) {
            const Made made = made_of(problem, by_columns, team);
            EXPECT_TRUE(same_bits(made.slopes, first.slopes)) << team;
            EXPECT_EQ(made.errors.reconstruction, first.errors.reconstruction);
            EXPECT_EQ(made.errors.targets, first.errors.targets);
        }
    }
}

/// Outputs that reconstruct: none, or as many as inputs.
const std::vector<Index> kReconstructed{0, 1, 5, 16, 33, 100, 130, 260};

TEST(OutputLoss, ClassesEqualDoublePrecision) {
    for (const Index n_reconstructed : kReconstructed) {
        for (const Index n_targets : {1, 2, 3, 15, 16, 17, 31, 70, 300}) {
            SCOPED_TRACE(n_reconstructed);
            SCOPED_TRACE(n_targets);
            expect_plain(Problem(n_reconstructed ? n_reconstructed : 3, n_reconstructed, n_targets)
                             .with_classes(static_cast<std::uint64_t>(n_targets)));
        }
    }
}

TEST(OutputLoss, NumbersEqualDoublePrecision) {
    for (const Activation activation : kActivations) {
        for (const Index n_reconstructed : kReconstructed) {
            for (const Index n_targets : {1, 3, 16, 17, 140}) {
                SCOPED_TRACE(n_reconstructed);
                SCOPED_TRACE(n_targets);
                Problem problem(n_reconstructed ? n_reconstructed : 3, n_reconstructed, n_targets);
                problem.activation = activation;
                expect_plain(problem);
                expect_plain(problem.with_unknown_numbers());
            }
        }
    }
}

TEST(OutputLoss, AnomaliesEqualDoublePrecision) {
    for (const Activation activation : kActivations) {
        for (const Index width : {1, 5, 16, 33, 130, 260}) {
            SCOPED_TRACE(width);
            Problem problem(width, width, 0);
            problem.activation = activation;
            expect_plain(problem);
            problem.anomalous = std::make_unique<bool[]>(Problem::kTableRows);
            expect_plain(problem);
            for (const std::uint32_t row : {0, 1, 2, 4, 9}) problem.anomalous[row] = true;
            for (const double margin : {1e-6, 0.7, 1.3, 1e6}) {
                problem.objective.margin = margin;
                expect_plain(problem);
            }
        }
    }
}

TEST(OutputLoss, RowsOfUnknownClassHaveNoSlopes) {
    Problem problem(4, 0, 5);
    problem.with_classes(1);
    std::fill(problem.classes.begin(), problem.classes.end(), -7);
    const Made made = made_of(problem, true, 2);
    EXPECT_TRUE((made.slopes.array() == 0).all());
    EXPECT_EQ(made.errors.targets, 0);
}

TEST(OutputLoss, ErrorsAreOfTheFirstRows) {
    // A mini-batch may be smaller than those before it.
    Problem large(33, 33, 3), small(33, 33, 3);
    small.n = 2;
    small.z = large.z.topRows(2), small.target = large.target.topRows(2);
    const Network network({33, 36}, {Activation::kIdentity});
    OutputLoss loss(network, large.objective, large.n, 1);
    const TableOf table(large);
    for (const Problem* problem : {&large, &small}) {
        const Batch batch{table.table, problem->order.data(), problem->n, {}, 0};
        Rows z(problem->z, true), target(problem->target, true);
        loss.differentiate(0, {0, problem->n}, 0, kParts, batch, target.matrix, z.matrix);
        EXPECT_NEAR(loss.errors(problem->n).reconstruction, problem->errors().reconstruction, 1e-3);
        EXPECT_NEAR(loss.errors(problem->n).targets, problem->errors().targets, 1e-4);
    }
}

}  // namespace fastae::output_loss_test
