// Scores the rows of a CSV file with a model that was trained in Python and saved there:
//
//     score_csv [--float32] MODEL CSV > scores.csv
//
// One line per row: its number from 0, its mean squared error as a float32, and 1 if that is above
// the model's threshold. Empty cells are missing values. With --float32 the network is evaluated in
// single precision, as Python does for float32 tables; otherwise in double precision.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "fastae/model.hpp"

using Record = std::vector<std::string>;

/// The cells of a line; in double quotes a cell may hold commas, and quotes that are doubled.
Record split(const std::string& line) {
    Record cells(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
            cells.back() += line[++i];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            cells.emplace_back();
        } else if (c != '\r') {
            cells.back() += c;
        }
    }
    return cells;
}

bool parse_number(const std::string& cell, double& value) {
    char* end = nullptr;
    value = std::strtod(cell.c_str(), &end);
    return end != cell.c_str() && *end == '\0';
}

/// What the model wants to see for a cell.
double value_of(const fastae::Model& model, std::ptrdiff_t column, const std::string& cell) {
    if (cell.empty()) return std::strtod("nan", nullptr);
    if (model.is_factor(column)) return model.code(column, cell);
    double value = 0;
    if (!parse_number(cell, value)) throw std::runtime_error("'" + cell + "' is no number");
    return value;
}

/// Whether the first line of a file names the columns: as in training, or if there were no names,
/// by holding no number at all.
bool is_header(const fastae::Model& model, const Record& first) {
    if (!model.feature_names().empty()) return first == model.feature_names();
    double value = 0;
    for (const std::string& cell : first) {
        if (cell.empty() || parse_number(cell, value)) return false;
    }
    return true;
}

/// The rows of a CSV file, one behind the other.
template <class T>
std::vector<T> read_csv(const fastae::Model& model, const std::string& path) {
    std::ifstream stream(path);
    if (!stream) throw std::runtime_error("cannot read " + path);
    std::vector<T> rows;
    std::string line;
    for (std::size_t number = 1; std::getline(stream, line); ++number) {
        if (number == 1 && line.compare(0, 3, "\xEF\xBB\xBF") == 0) line.erase(0, 3);
        if (model.n_features() > 1 && (line.empty() || line == "\r")) continue;
        const Record cells = split(line);
        const auto n_cells = static_cast<std::ptrdiff_t>(cells.size());
        const std::string place = path + ", line " + std::to_string(number) + ": ";
        if (n_cells != model.n_features()) {
            throw std::runtime_error(place + std::to_string(n_cells) +
                                     " cells, but the model has " +
                                     std::to_string(model.n_features()) + " columns");
        }
        if (number == 1 && is_header(model, cells)) continue;
        for (std::ptrdiff_t j = 0; j < n_cells; ++j) {
            try {
                const std::string& cell = cells[static_cast<std::size_t>(j)];
                rows.push_back(static_cast<T>(value_of(model, j, cell)));
            } catch (const std::runtime_error& error) {
                throw std::runtime_error(place + error.what());
            }
        }
    }
    if (rows.empty()) throw std::runtime_error(path + " has no rows");
    return rows;
}

template <class T>
void score(const fastae::Model& model, const std::string& path) {
    const std::vector<T> rows = read_csv<T>(model, path);
    const auto n_rows = static_cast<std::ptrdiff_t>(rows.size()) / model.n_features();
    const std::vector<double> errors = model.reconstruction_error(rows.data(), n_rows);
    std::puts("row,mse,flag");
    for (std::size_t i = 0; i < errors.size(); ++i) {
        const auto mse = static_cast<float>(errors[i]);
        // Nine digits tell all float32 numbers apart.
        std::printf("%zu,%.9g,%d\n", i, static_cast<double>(mse), model.is_odd(errors[i]));
    }
}

int main(int argc, char** argv) {
    const bool in_float = argc == 4 && std::strcmp(argv[1], "--float32") == 0;
    if (argc != 3 && !in_float) {
        std::cerr << "usage: score_csv [--float32] MODEL CSV\n";
        return 2;
    }
    try {
        const auto model = fastae::Model::load(argv[argc - 2]);
        in_float ? score<float>(model, argv[argc - 1]) : score<double>(model, argv[argc - 1]);
    } catch (const std::exception& error) {
        std::cerr << "score_csv: " << error.what() << '\n';
        return 1;
    }
}
