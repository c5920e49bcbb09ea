#include "fastae/column_stats.hpp"

#include <algorithm>

#include "fastae/parallel.hpp"

namespace fastae {

namespace {

constexpr Index kChunk = 4096;  ///< rows whose sums are merged as one
constexpr Index kBlock = 64;    ///< rows gathered at a time

/// One row per statistic, one column per column of X.
using Stats = Eigen::Array<double, 4, Eigen::Dynamic, Eigen::RowMajor>;
enum Row { kMean, kMinimum, kMaximum, kSquares };  // kSquares: sum of (x - mean)^2

/// The rows that count, and how much.
struct Rows {
    std::vector<std::uint32_t> listed;  ///< empty: all
    const float* weights;               ///< by row of X; null: each counts 1
    Index n;

    Rows(Index n_rows, const float* row_weights) : weights(row_weights), n(n_rows) {
        if (!weights) return;
        listed = rows_that_count(weights, n_rows);
        n = static_cast<Index>(listed.size());
    }
    const std::uint32_t* order(Index begin) const {
        return weights ? listed.data() + begin : nullptr;
    }
    double weight(Index i) const {
        return weights ? static_cast<double>(weights[listed[static_cast<std::size_t>(i)]]) : 1.0;
    }
};

/// Statistics of rows begin .. begin + n - 1 of those that count; adds up their weights.
Stats chunk_stats(const RowsView& X, const Scaling& identity, const Rows& rows_of_X, Index begin,
                  Index n, double& count) {
    const Index d = X.n_cols;
    Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> block(kBlock, d);
    Stats stats(4, d);
    Eigen::ArrayXd origin(d), sum = Eigen::ArrayXd::Zero(d), squares = Eigen::ArrayXd::Zero(d);
    gather_rows(X, identity, rows_of_X.order(begin), begin, 1, origin.data(), d);
    stats.row(kMinimum) = stats.row(kMaximum) = origin.transpose();
    for (Index b = 0; b < n; b += kBlock) {
        const Index rows = std::min(kBlock, n - b);
        gather_rows(X, identity, rows_of_X.order(begin + b), begin + b, rows, block.data(), d);
        for (Index i = 0; i < rows; ++i) {
            stats.row(kMinimum) = stats.row(kMinimum).min(block.row(i));
            stats.row(kMaximum) = stats.row(kMaximum).max(block.row(i));
            block.row(i) -= origin.transpose();
            const double weight = rows_of_X.weight(begin + b + i);
            count += weight;
            sum += block.row(i).transpose() * weight;
            squares += block.row(i).square().transpose() * weight;
        }
    }
    stats.row(kMean) = (origin + sum / count).transpose();
    stats.row(kSquares) = (squares - sum.square() / count).max(0.0).transpose();
    return stats;
}

void merge(const Stats& part, double part_count, double count, Stats& total) {
    const double all = count + part_count;
    const Eigen::Array<double, 1, Eigen::Dynamic> gap = part.row(kMean) - total.row(kMean);
    total.row(kMean) += gap * (part_count / all);
    total.row(kSquares) += part.row(kSquares) + gap.square() * (count * part_count / all);
    total.row(kMinimum) = total.row(kMinimum).min(part.row(kMinimum));
    total.row(kMaximum) = total.row(kMaximum).max(part.row(kMaximum));
}

}  // namespace

void column_stats(const RowsView& X, const float* weights, double* mean, double* minimum,
                  double* maximum, double* variance, int n_threads) {
    const Index d = X.n_cols;
    const Rows rows(X.n_rows, weights);
    const Index n_chunks = (rows.n + kChunk - 1) / kChunk;
    const std::vector<double> zeros(static_cast<std::size_t>(d), 0.0);
    const std::vector<double> ones(static_cast<std::size_t>(d), 1.0);
    const Scaling identity(zeros.data(), ones.data(), d);
    std::vector<Stats> parts(static_cast<std::size_t>(n_chunks));
    std::vector<double> counts(static_cast<std::size_t>(n_chunks));
    FirstException error;
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
    for (Index c = 0; c < n_chunks; ++c) {
        error.run([&] {
            const auto i = static_cast<std::size_t>(c);
            const Index n = std::min(kChunk, rows.n - c * kChunk);
            parts[i] = chunk_stats(X, identity, rows, c * kChunk, n, counts[i]);
        });
    }
    error.rethrow();
    Stats& total = parts.front();
    double count = counts.front();
    for (std::size_t c = 1; c < parts.size(); ++c) {
        merge(parts[c], counts[c], count, total);
        count += counts[c];
    }
    for (Index j = 0; j < d; ++j) {
        mean[j] = total(kMean, j);
        minimum[j] = total(kMinimum, j);
        maximum[j] = total(kMaximum, j);
        variance[j] = total(kSquares, j) / count;
    }
}

}  // namespace fastae
