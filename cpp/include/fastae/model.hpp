#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fastae {

/// An autoencoder that was trained in Python and saved with `model.save(path)`; only scores.
///
/// It holds the same float32 weights and gives the same bits as the Python estimator does on the
/// same instruction-set level. What needs no training is here under the names it has in Python.
///
/// Rows are X (n_rows, n_features()) in C order, in the units of the training table, float or
/// double; arithmetic is done in that type, as in Python. NaN is a missing value. Of a factor (a
/// column of text or categories) a row holds the number that `code` returns; of dates, seconds
/// since 1970; of durations, seconds. The methods throw std::invalid_argument for infinity, for NaN
/// if the model was trained with missing="error", for what is no code, for negative n_rows or more
/// than 2^32 - 1, and for n_threads below 1 or above 4096. They change nothing: any number of
/// threads may call them at once.
class Model {
  public:
    /// Reads a file. Nothing in it is trusted: sizes are compared with the file's before memory is
    /// taken, and every part has a checksum.
    ///
    /// Throws std::runtime_error, whose message is one sentence, if there is no such file, it is
    /// damaged, of a newer version, or a model of a kind that is only for Python: a classifier or
    /// regressor, one with another anomaly_score than "mse", one with factors whose levels are
    /// numbers.
    static Model load(const std::string& path);

    /// The same of a file's content; `name` stands for the file in messages.
    static Model from_bytes(std::string_view content, const std::string& name = "the model");

    Model(Model&&) noexcept;
    Model& operator=(Model&&) noexcept;
    ~Model();

    /// Columns of the table.
    std::ptrdiff_t n_features() const;
    /// (n_features()), or empty if the training table had no names.
    const std::vector<std::string>& feature_names() const;
    /// Units of the hidden layers, from the input on.
    std::vector<std::ptrdiff_t> hidden_layer_sizes() const;
    /// Width of what `transform` returns: that of the narrowest hidden layer.
    std::ptrdiff_t n_codes() const;
    /// The largest error that still counts as normal: -offset_ in Python.
    double threshold() const;

    /// Whether a column is a factor.
    bool is_factor(std::ptrdiff_t column) const;
    /// The levels of a factor; "(other)" is the one that rare ones share. Empty of other columns.
    const std::vector<std::string>& levels(std::ptrdiff_t column) const;
    /// What a row holds for a level of a factor: its position in `levels`, or for one that training
    /// has not seen, that of "(other)" or else a negative number. Missing is NaN.
    double code(std::ptrdiff_t column, std::string_view level) const;

    /// The mean squared error of each row's reconstruction, in scaled units, factors included: mse
    /// (n_rows), minus Python's score_samples. The higher, the odder.
    template <class T>
    std::vector<double> reconstruction_error(const T* X, std::ptrdiff_t n_rows,
                                             int n_threads = 1) const;

    /// Whether a row of this error is odd.
    bool is_odd(double error) const;

    /// -1 for odd rows, 1 for normal ones: (n_rows).
    template <class T>
    std::vector<int> predict(const T* X, std::ptrdiff_t n_rows, int n_threads = 1) const;

    /// Errors of each column: (n_rows, n_features()). NaN in missing cells and in columns that
    /// training dropped.
    template <class T>
    std::vector<T> feature_errors(const T* X, std::ptrdiff_t n_rows, int n_threads = 1) const;

    /// What the network makes of the rows, in their own units: (n_rows, n_features()). Columns that
    /// training dropped have their constant, factors the code of their most likely level.
    template <class T>
    std::vector<T> reconstruct(const T* X, std::ptrdiff_t n_rows, int n_threads = 1) const;

    /// The codes: the output of the narrowest hidden layer, (n_rows, n_codes()).
    template <class T>
    std::vector<T> transform(const T* X, std::ptrdiff_t n_rows, int n_threads = 1) const;

    /// The output of any hidden layer: (n_rows, hidden_layer_sizes()[layer]). Throws
    /// std::invalid_argument if there is no such layer.
    template <class T>
    std::vector<T> deep_features(const T* X, std::ptrdiff_t n_rows, std::ptrdiff_t layer,
                                 int n_threads = 1) const;

  private:
    struct Impl;
    explicit Model(std::unique_ptr<const Impl> impl);
    std::unique_ptr<const Impl> impl_;
};

}  // namespace fastae
