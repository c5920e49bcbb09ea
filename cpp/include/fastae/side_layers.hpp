#pragma once

#include <memory>

#include "fastae/batch.hpp"
#include "fastae/optimiser.hpp"
#include "fastae/part_matrix.hpp"
#include "fastae/split_network.hpp"

namespace fastae {

/// What a mini-batch's first and last layer do with the units that a SplitNetwork puts aside.
///
/// Every thread of the team calls the same functions, in this order, with the same arguments but
/// its own number and share; between two of them marked (*) the whole team has met. Sums are in an
/// order that does not depend on the team.
class SideLayers {
  public:
    virtual ~SideLayers() = default;

    /// (*) Looks at the rows; weights do not change until update.
    virtual void gather(int thread, const Batch& batch, const Weights& weights) = 0;

    /// (*) z[rows, columns of parts part_begin .. part_end - 1] += inputs times weights: the first
    /// hidden layer's pre-activations. Several calls for different parts are possible.
    virtual void add_inputs(Range rows, int part_begin, int part_end, const Batch& batch,
                            const Weights& weights, const PartMatrix& z) const = 0;

    /// What needs no hidden layer's output.
    virtual void prepare_outputs(int thread, const Weights& weights) = 0;

    /// (*) Of the thread's own rows: outputs, errors, derivatives. h is the last hidden layer's
    /// output.
    virtual void differentiate(int thread, const Batch& batch, const Weights& weights,
                               const PartMatrix& h) = 0;

    /// Of a row that is an anomaly: multiplies its derivatives by the factor, and books no error.
    /// By the same thread as before.
    virtual void push_away(Index row, float factor) = 0;

    /// (*) delta[rows, columns of the parts] += the derivative of these outputs' errors by h.
    virtual void add_deltas(Range rows, int part_begin, int part_end,
                            const PartMatrix& delta) const = 0;

    /// (*) Passes the gradient over the n rows through the optimiser's rule, to the thread's
    /// share of the weights. delta is that of the first hidden layer.
    virtual void update(int thread, const SolverOptions& options, const StepConstants& constants,
                        Index n, const Weights& weights, const PartMatrix& h,
                        const PartMatrix& delta) = 0;

    /// Of a row, to be booked: its weight times what the mean over its columns adds up.
    virtual double error(Index row) const = 0;
    /// How many columns the network has here.
    virtual double n_errors() const = 0;
};

/// What suits the table; null if no units are put aside (split is null).
std::unique_ptr<SideLayers> side_layers(const SplitNetwork* split, const TrainingTable& table,
                                        const Objective& objective, Index batch_size, int team);

}  // namespace fastae
