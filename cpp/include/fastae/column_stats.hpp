#pragma once

#include "fastae/rows.hpp"

namespace fastae {

/// Mean, minimum, maximum and population variance of the values of each column of X that are not
/// NaN, and how many these are (their weights added up), in one pass. A column without any has 0.
///
///   weights  (X.n_rows) or null: how much each row counts; one of weight 0 is absent
///   mean, minimum, maximum, variance, count  (X.n_cols)
///
/// Fixed chunks of rows are summed around their first row and merged in order (Chan et al. 1983),
/// so the result does not depend on n_threads, and large offsets lose no digits.
///
/// Returns the weights of all rows added up: what `count` is for a complete column.
double column_stats(const RowsView& X, const float* weights, double* mean, double* minimum,
                    double* maximum, double* variance, double* count, int n_threads);

}  // namespace fastae
