// Writes all that a model says of rows, as raw numbers: for test_embedding.py.
//
//     say float|double MODEL ROWS > ANSWERS
//
// ROWS are raw numbers of that type. ANSWERS are the errors of the rows (double), then, in that
// type, the errors of the columns, the reconstruction, the codes, and each hidden layer.

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fastae/model.hpp"

template <class T>
void write(const std::vector<T>& numbers) {
    std::fwrite(numbers.data(), sizeof(T), numbers.size(), stdout);
}

template <class T>
void say(const fastae::Model& model, const std::string& bytes) {
    const T* rows = reinterpret_cast<const T*>(bytes.data());
    const auto n = static_cast<std::ptrdiff_t>(bytes.size() / sizeof(T)) / model.n_features();
    constexpr int kThreads = 2;
    write(model.reconstruction_error(rows, n, kThreads));
    write(model.feature_errors(rows, n, kThreads));
    write(model.reconstruct(rows, n, kThreads));
    write(model.transform(rows, n, kThreads));
    const auto n_hidden = static_cast<std::ptrdiff_t>(model.hidden_layer_sizes().size());
    for (std::ptrdiff_t layer = 0; layer < n_hidden; ++layer) {
        write(model.deep_features(rows, n, layer, kThreads));
    }
}

int main(int, char** argv) {
    const auto model = fastae::Model::load(argv[2]);
    std::ifstream stream(argv[3], std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    std::string(argv[1]) == "float" ? say<float>(model, bytes) : say<double>(model, bytes);
}
