#pragma once

#include "fastae/rows.hpp"

namespace fastae {

/// Mean, minimum, maximum and population variance of each column of X, in one pass.
///
///   weights  (X.n_rows) or null: how much each row counts; one of weight 0 is absent
///   mean, minimum, maximum, variance  (X.n_cols)
///
/// Fixed chunks of rows are summed around their first row and merged in order (Chan et al. 1983),
/// so the result does not depend on n_threads, and large offsets lose no digits.
void column_stats(const RowsView& X, const float* weights, double* mean, double* minimum,
                  double* maximum, double* variance, int n_threads);

}  // namespace fastae
