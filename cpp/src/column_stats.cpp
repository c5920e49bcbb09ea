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

/// Statistics of rows begin .. begin + n - 1.
Stats chunk_stats(const RowsView& X, const Scaling& identity, Index begin, Index n) {
    const Index d = X.n_cols;
    Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> block(kBlock, d);
    Stats stats(4, d);
    Eigen::ArrayXd origin(d), sum = Eigen::ArrayXd::Zero(d), squares = Eigen::ArrayXd::Zero(d);
    gather_rows(X, identity, nullptr, begin, 1, origin.data(), d);
    stats.row(kMinimum) = stats.row(kMaximum) = origin.transpose();
    for (Index b = 0; b < n; b += kBlock) {
        const Index rows = std::min(kBlock, n - b);
        gather_rows(X, identity, nullptr, begin + b, rows, block.data(), d);
        for (Index i = 0; i < rows; ++i) {
            stats.row(kMinimum) = stats.row(kMinimum).min(block.row(i));
            stats.row(kMaximum) = stats.row(kMaximum).max(block.row(i));
            block.row(i) -= origin.transpose();
            sum += block.row(i).transpose();
            squares += block.row(i).square().transpose();
        }
    }
    const double count = static_cast<double>(n);
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

void column_stats(const RowsView& X, double* mean, double* minimum, double* maximum,
                  double* variance, int n_threads) {
    const Index d = X.n_cols;
    const Index n_chunks = (X.n_rows + kChunk - 1) / kChunk;
    const std::vector<double> zeros(static_cast<std::size_t>(d), 0.0);
    const std::vector<double> ones(static_cast<std::size_t>(d), 1.0);
    const Scaling identity(zeros.data(), ones.data(), d);
    std::vector<Stats> parts(static_cast<std::size_t>(n_chunks));
    const auto rows_of = [&](Index c) { return std::min(kChunk, X.n_rows - c * kChunk); };
    FirstException error;
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
    for (Index c = 0; c < n_chunks; ++c) {
        error.run([&] {
            parts[static_cast<std::size_t>(c)] = chunk_stats(X, identity, c * kChunk, rows_of(c));
        });
    }
    error.rethrow();
    Stats& total = parts.front();
    for (Index c = 1; c < n_chunks; ++c) {
        merge(parts[static_cast<std::size_t>(c)], static_cast<double>(rows_of(c)),
              static_cast<double>(c * kChunk), total);
    }
    for (Index j = 0; j < d; ++j) {
        mean[j] = total(kMean, j);
        minimum[j] = total(kMinimum, j);
        maximum[j] = total(kMaximum, j);
        variance[j] = total(kSquares, j) / static_cast<double>(X.n_rows);
    }
}

}  // namespace fastae
