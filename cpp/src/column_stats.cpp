#include "fastae/column_stats.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fastae/parallel.hpp"

namespace fastae {

namespace {

constexpr Index kChunk = 4096;  ///< rows whose sums are merged as one
constexpr Index kBlock = 64;    ///< rows gathered at a time

/// One row per statistic, one column per column of X.
using Stats = Eigen::Array<double, 5, Eigen::Dynamic, Eigen::RowMajor>;
enum Row { kMean, kMinimum, kMaximum, kSquares, kCount };  // kSquares: sum of (x - mean)^2
using Block = Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Line = Eigen::Array<double, 1, Eigen::Dynamic>;

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

/// Calls visit(row, weight) for rows begin .. begin + n - 1 of those that count.
template <class Visit>
void for_each_row(const RowsView& X, const Scaling& identity, const Rows& rows_of_X, Index begin,
                  Index n, Visit&& visit) {
    Block block(kBlock, X.n_cols);
    for (Index b = 0; b < n; b += kBlock) {
        const Index rows = std::min(kBlock, n - b);
        gather_rows(X, identity, rows_of_X.order(begin + b), begin + b, rows, block.data(),
                    X.n_cols);
        for (Index i = 0; i < rows; ++i) visit(block.row(i), rows_of_X.weight(begin + b + i));
    }
}

/// Statistics of rows begin .. begin + n - 1 of those that count. NaN spreads over its column.
Stats complete_stats(const RowsView& X, const Scaling& identity, const Rows& rows_of_X, Index begin,
                     Index n) {
    const Index d = X.n_cols;
    Stats stats(5, d);
    Line origin(d), sum = Line::Zero(d), squares = Line::Zero(d);
    double count = 0;
    gather_rows(X, identity, rows_of_X.order(begin), begin, 1, origin.data(), d);
    stats.row(kMinimum) = stats.row(kMaximum) = origin;
    for_each_row(X, identity, rows_of_X, begin, n, [&](auto row, double weight) {
        stats.row(kMinimum) = stats.row(kMinimum).min(row);
        stats.row(kMaximum) = stats.row(kMaximum).max(row);
        row -= origin;
        count += weight;
        sum += row * weight;
        squares += row.square() * weight;
    });
    stats.row(kMean) = origin + sum / count;
    stats.row(kSquares) = (squares - sum.square() / count).max(0.0);
    stats.row(kCount) = count;
    return stats;
}

/// The same of the values that are not NaN; all 0 of a column without any.
Stats known_stats(const RowsView& X, const Scaling& identity, const Rows& rows_of_X, Index begin,
                  Index n) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    Stats stats = Stats::Zero(5, X.n_cols);
    stats.row(kMinimum) = kInfinity;
    stats.row(kMaximum) = -kInfinity;
    for_each_row(X, identity, rows_of_X, begin, n, [&](auto row, double weight) {
        const auto missing = row.isNaN();
        stats.row(kMinimum) = missing.select(kInfinity, row).min(stats.row(kMinimum));
        stats.row(kMaximum) = missing.select(-kInfinity, row).max(stats.row(kMaximum));
        stats.row(kMean) += missing.select(0.0, row * weight);
        stats.row(kCount) += missing.select(0.0, Line::Constant(X.n_cols, weight));
    });
    stats.row(kMean) /= (stats.row(kCount) > 0).select(stats.row(kCount), 1.0);
    for_each_row(X, identity, rows_of_X, begin, n, [&](auto row, double weight) {
        stats.row(kSquares) += row.isNaN().select(0.0, (row - stats.row(kMean)).square() * weight);
    });
    for (const Row row : {kMinimum, kMaximum}) {
        stats.row(row) = (stats.row(kCount) > 0).select(stats.row(row), 0.0);
    }
    return stats;
}

Stats chunk_stats(const RowsView& X, const Scaling& identity, const Rows& rows, Index begin,
                  Index n) {
    const Stats stats = complete_stats(X, identity, rows, begin, n);
    return stats.row(kMean).isNaN().any() ? known_stats(X, identity, rows, begin, n) : stats;
}

/// `total` of all chunks so far becomes that of one more.
void merge(const Stats& part, Stats& total) {
    const Line all = total.row(kCount) + part.row(kCount);
    const Line share = part.row(kCount) / (all > 0).select(all, 1.0);
    const Line gap = part.row(kMean) - total.row(kMean);
    const auto is_new = total.row(kCount) == 0;
    const auto is_empty = part.row(kCount) == 0;
    const Line minimum = total.row(kMinimum).min(part.row(kMinimum));
    const Line maximum = total.row(kMaximum).max(part.row(kMaximum));
    total.row(kMinimum) =
        is_empty.select(total.row(kMinimum), is_new.select(part.row(kMinimum), minimum)).eval();
    total.row(kMaximum) =
        is_empty.select(total.row(kMaximum), is_new.select(part.row(kMaximum), maximum)).eval();
    total.row(kSquares) += part.row(kSquares) + gap.square() * (total.row(kCount) * share);
    total.row(kMean) += gap * share;
    total.row(kCount) = all;
}

/// Of sparse rows, in the order of the rows, around the columns' means; what is not stored is 0.
double sparse_stats(const RowsView& X, const float* weights, double* mean, double* minimum,
                    double* maximum, double* variance, double* count) {
    const Index d = X.n_cols;
    const auto weight = [&](Index i) { return weights ? static_cast<double>(weights[i]) : 1.0; };
    const auto for_each = [&](auto&& visit) {
        for (Index i = 0; i < X.n_rows; ++i) {
            if (weight(i) == 0) continue;
            for (Index k = X.indptr[i]; k < X.indptr[i + 1]; ++k) {
                visit(X.indices[k], stored_value(X, k), weight(i));
            }
        }
    };
    double all = 0;
    for (Index i = 0; i < X.n_rows; ++i) all += weight(i);
    std::vector<double> stored(static_cast<std::size_t>(d), 0.0);  // weights of stored values
    std::fill_n(mean, d, 0.0);
    std::fill_n(variance, d, 0.0);
    std::fill_n(count, d, all);
    std::fill_n(minimum, d, std::numeric_limits<double>::infinity());
    std::fill_n(maximum, d, -std::numeric_limits<double>::infinity());
    for_each([&](std::int32_t j, double x, double w) {
        stored[static_cast<std::size_t>(j)] += w;
        if (std::isnan(x)) {
            count[j] -= w;
            return;
        }
        mean[j] += w * x;
        minimum[j] = std::min(minimum[j], x);
        maximum[j] = std::max(maximum[j], x);
    });
    for (Index j = 0; j < d; ++j) {
        const double zeros = all - stored[static_cast<std::size_t>(j)];
        if (zeros > 0) {
            minimum[j] = std::min(minimum[j], 0.0);
            maximum[j] = std::max(maximum[j], 0.0);
        }
        if (!(minimum[j] <= maximum[j])) minimum[j] = maximum[j] = count[j] = 0;
        mean[j] /= count[j] > 0 ? count[j] : 1.0;
        variance[j] = zeros * mean[j] * mean[j];
    }
    for_each([&](std::int32_t j, double x, double w) {
        if (!std::isnan(x)) variance[j] += w * (x - mean[j]) * (x - mean[j]);
    });
    for (Index j = 0; j < d; ++j) variance[j] /= count[j] > 0 ? count[j] : 1.0;
    return all;
}

}  // namespace

double column_stats(const RowsView& X, const float* weights, double* mean, double* minimum,
                    double* maximum, double* variance, double* count, int n_threads) {
    if (X.is_sparse()) {
        return sparse_stats(X, weights, mean, minimum, maximum, variance, count);
    }
    const Index d = X.n_cols;
    const Rows rows(X.n_rows, weights);
    const Index n_chunks = (rows.n + kChunk - 1) / kChunk;
    const std::vector<double> zeros(static_cast<std::size_t>(d), 0.0);
    const std::vector<double> ones(static_cast<std::size_t>(d), 1.0);
    const Scaling identity(zeros.data(), ones.data(), d);
    std::vector<Stats> parts(static_cast<std::size_t>(n_chunks));
    FirstException error;
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
    for (Index c = 0; c < n_chunks; ++c) {
        error.run([&] {
            const Index n = std::min(kChunk, rows.n - c * kChunk);
            parts[static_cast<std::size_t>(c)] = chunk_stats(X, identity, rows, c * kChunk, n);
        });
    }
    error.rethrow();
    Stats& total = parts.front();
    for (std::size_t c = 1; c < parts.size(); ++c) merge(parts[c], total);
    for (Index j = 0; j < d; ++j) {
        mean[j] = total(kMean, j);
        minimum[j] = total(kMinimum, j);
        maximum[j] = total(kMaximum, j);
        count[j] = total(kCount, j);
        variance[j] = total(kSquares, j) / (count[j] > 0 ? count[j] : 1.0);
    }
    // Added up in the order of a complete column's count, so as to be equal to it.
    double all = 0;
    for (Index c = 0; c < n_chunks; ++c) {
        double part = 0;
        const Index end = std::min((c + 1) * kChunk, rows.n);
        for (Index i = c * kChunk; i < end; ++i) part += rows.weight(i);
        all = c == 0 ? part : all + part;
    }
    return all;
}

}  // namespace fastae
