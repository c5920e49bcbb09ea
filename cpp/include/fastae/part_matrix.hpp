#pragma once

#include <algorithm>

#include "fastae/kernels.hpp"
#include "fastae/parted.hpp"

namespace fastae {

/// Activations or deltas of one layer: (n_rows, width), zero in the padding. Its columns are those
/// of the parts of `width`; a matrix that threads write by columns stores each part apart, one that
/// they write by rows is row-major. It owns no memory.
class PartMatrix {
  public:
    PartMatrix() = default;
    PartMatrix(Index n_rows, Index width, bool by_columns)
        : width_(width), by_columns_(by_columns) {
        for (int part = 0; part < kParts; ++part) {
            columns_[part] = column_part(width, part);
            stride_[part] = padded(by_columns ? columns_[part].count() : width);
            floats_[part] = by_columns || part == 0 ? n_rows * stride_[part] : 0;
        }
    }

    bool by_columns() const { return by_columns_; }
    Columns columns(int part) const { return columns_[part]; }
    Index stride(int part) const { return stride_[part]; }
    /// Row `row`, from the first column of the part.
    float* at(int part, Index row) const { return data_[part] + row * stride_[part]; }
    /// Row `row`, all columns; only of a row-major matrix.
    float* row(Index row) const { return at(0, row); }

    /// The part that column `column` is in.
    int part_of(Index column) const {
        int part = 0;
        while (column >= columns_[part].end) ++part;
        return part;
    }

    /// Columns of the part that are not padding.
    Index used(int part) const {
        return std::max<Index>(0, std::min(columns_[part].end, width_) - columns_[part].begin);
    }

    /// Floats that the part needs of its own, and where they are.
    Index floats(int part) const { return floats_[part]; }
    void place(int part, float* memory) {
        data_[part] = memory;
        for (int p = 1; !by_columns_ && p < kParts; ++p) data_[p] = data_[0] + columns_[p].begin;
    }

    /// What expand takes of rows from `row` on; returns the number of stretches.
    int stretches(Index row, Stretch<float>* out) const {
        if (!by_columns_) {
            out[0] = {this->row(row), stride_[0], width_};
            return 1;
        }
        int n = 0;
        for (int part = 0; part < kParts; ++part) {
            if (used(part) > 0) out[n++] = {at(part, row), stride_[part], used(part)};
        }
        return n;
    }

  private:
    Index width_ = 0;
    bool by_columns_ = false;
    Columns columns_[kParts] = {};
    Index stride_[kParts] = {};
    Index floats_[kParts] = {};
    float* data_[kParts] = {};
};

}  // namespace fastae
