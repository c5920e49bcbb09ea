#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>

namespace fastae {

using Index = std::ptrdiff_t;

/// Row-major views; the outer stride is the distance between rows in elements.
template <class T>
using RowMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using MatrixView = Eigen::Map<RowMatrix<T>, Eigen::Unaligned, Eigen::OuterStride<>>;
template <class T>
using ConstMatrixView = Eigen::Map<const RowMatrix<T>, Eigen::Unaligned, Eigen::OuterStride<>>;

enum class Activation { kTanh, kRelu, kElu, kLogistic, kIdentity };
enum class Solver { kAdadelta, kAdam, kSgd };
enum class Schedule { kConstant, kCosine, kInverseScaling, kOneCycle };
enum class Loss { kSquared, kAbsolute, kHuber, kQuantile };
enum class Parallel { kDeterministic, kHogwild };
/// What to make of NaN in the inputs: there is none; the network sees the column's mean, and such
/// cells are no targets and have no error; or they are taken for the column's mean altogether.
enum class Missing { kNone, kIgnored, kImputed };

/// Element type of the user's array.
enum class DType {
    kBool,
    kInt8,
    kUint8,
    kInt16,
    kUint16,
    kInt32,
    kUint32,
    kInt64,
    kUint64,
    kFloat32,
    kFloat64
};

/// begin .. end - 1.
struct Range {
    Index begin;
    Index end;
};

/// Floats per row are padded to whole 64-byte lines, whatever the vector width of this build, so
/// that the layout of the weights does not depend on the instruction set.
inline constexpr Index kPad = 16;

/// n rounded up to whole lines of kPad elements.
constexpr Index whole_lines(Index n) { return (n + kPad - 1) / kPad * kPad; }

/// Distance between rows, in elements, of a buffer whose rows hold n elements.
///
/// Never a multiple of 1 KiB (floats): rows that far apart share a few sets of the L1 cache.
constexpr Index padded(Index n) {
    const Index lines = whole_lines(n);
    return lines % 256 == 0 && lines > 0 ? lines + kPad : lines;
}

}  // namespace fastae
