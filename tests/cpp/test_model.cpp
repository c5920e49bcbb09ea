#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "archives.hpp"
#include "fastae/model.hpp"

namespace fastae::model_test {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kMutations = 4000;

/// Of 5 numbers through 4, 2 and 4 units.
std::string numbers_file() { return golden("model-0.1.0-numbers.fastae"); }

/// size, colour (blue, green, red), day, grade (low, high), count, unit (dropped: 1.5).
std::string factors_file() { return golden("model-0.1.0-factors.fastae"); }

/// What is said of a file that cannot be read; empty if it can be.
std::string complaint(const std::string& bytes) {
    try {
        Model::from_bytes(bytes, "FILE");
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

std::vector<double> some_rows(const Model& model, std::size_t n_rows) {
    std::mt19937 bits(1);
    std::vector<double> X(n_rows * static_cast<std::size_t>(model.n_features()));
    for (double& x : X) x = bits() % 7 == 0 ? kNaN : static_cast<double>(bits() % 1000) / 200;
    return X;
}

TEST(Model, ReadsNumbers) {
    const Model model = Model::from_bytes(numbers_file());
    EXPECT_EQ(model.n_features(), 5);
    EXPECT_EQ(model.hidden_layer_sizes(), (std::vector<std::ptrdiff_t>{4, 2, 4}));
    EXPECT_EQ(model.n_codes(), 2);
    EXPECT_EQ(model.threshold(), 23.80458207449247);
    EXPECT_TRUE(model.feature_names().empty());
    EXPECT_FALSE(model.is_factor(1));
    EXPECT_TRUE(model.levels(1).empty());
}

TEST(Model, ARowsResultsDependOnNothingElse) {
    for (const std::string& file : {numbers_file(), factors_file()}) {
        const Model model = Model::from_bytes(file);
        constexpr std::size_t kRows = 100;
        std::vector<double> X = some_rows(model, kRows);
        for (std::size_t i = 0; i < X.size(); ++i) {
            if (model.is_factor(static_cast<std::ptrdiff_t>(i) % model.n_features())) X[i] = i % 2;
        }
        const auto width = static_cast<std::size_t>(model.n_features());
        const auto errors = model.reconstruction_error(X.data(), kRows);
        EXPECT_EQ(model.reconstruction_error(X.data(), kRows, 3), errors);
        const auto labels = model.predict(X.data(), kRows);
        const auto codes = model.transform(X.data(), kRows);
        for (std::size_t i = 0; i < kRows; ++i) {
            const double* row = X.data() + i * width;
            EXPECT_EQ(model.reconstruction_error(row, 1), std::vector{errors[i]});
            EXPECT_EQ(labels[i], errors[i] > model.threshold() ? -1 : 1);
            const auto begin = codes.begin() + static_cast<std::ptrdiff_t>(i) * model.n_codes();
            EXPECT_EQ(model.transform(row, 1), std::vector(begin, begin + model.n_codes()));
        }
        EXPECT_TRUE(model.reconstruction_error(X.data(), 0).empty());
    }
}

TEST(Model, ErrorsOfColumnsMakeTheErrorOfTheRow) {
    const Model model = Model::from_bytes(numbers_file());
    const std::vector<double> X = some_rows(model, 10);
    const auto errors = model.feature_errors(X.data(), 10);
    const auto mse = model.reconstruction_error(X.data(), 10);
    for (std::size_t i = 0; i < 10; ++i) {
        double sum = 0, n = 0;
        for (std::size_t j = 5 * i; j < 5 * i + 5; ++j) {
            EXPECT_EQ(std::isnan(errors[j]), std::isnan(X[j]));
            if (!std::isnan(X[j])) sum += errors[j], ++n;
        }
        EXPECT_NEAR(mse[i], n > 0 ? sum / n : 0, 1e-12 * (1 + sum));
    }
}

TEST(Model, ReadsFactorsAndDroppedColumns) {
    const Model model = Model::from_bytes(factors_file());
    EXPECT_EQ(model.feature_names()[1], "colour");
    EXPECT_EQ(model.levels(1), (std::vector<std::string>{"blue", "green", "red"}));
    EXPECT_EQ(model.code(1, "green"), 1);
    EXPECT_EQ(model.code(3, "high"), 1);
    EXPECT_LT(model.code(1, "pink"), 0);
    EXPECT_THROW(model.code(0, "pink"), std::invalid_argument);
    EXPECT_THROW(model.levels(6), std::invalid_argument);
    const std::vector<double> X{10, 1, 1.7e9, 1, 4, 99, 9, kNaN, 1.7e9, -1, 5, kNaN};
    const auto errors = model.feature_errors(X.data(), 2);
    EXPECT_TRUE(std::isnan(errors[5]) && std::isnan(errors[7]) && std::isnan(errors[9]));
    EXPECT_GT(errors[1], 0);
    const auto made = model.reconstruct(X.data(), 2);
    EXPECT_EQ(made[5], 1.5);
    EXPECT_GE(made[1], 0);
    EXPECT_LT(made[1], 3);
    for (const double wrong : {3.0, -2.0, 0.5, 1e30}) {
        std::vector<double> row(X.begin(), X.begin() + 6);
        row[1] = wrong;
        EXPECT_THROW(model.reconstruction_error(row.data(), 1), std::invalid_argument) << wrong;
    }
}

TEST(Model, RefusesWrongArguments) {
    const Model model = Model::from_bytes(numbers_file());
    const Model strict = Model::from_bytes(
        reworded(numbers_file(), R"(["_missing", "ignore"])", R"(["_missing", "error"])"));
    const std::vector<double> infinite{0, 1, kInfinity, 0, 0}, gaps{0, 1, kNaN, 0, 0};
    EXPECT_THROW(model.predict(infinite.data(), 1), std::invalid_argument);
    EXPECT_NO_THROW(model.predict(gaps.data(), 1));
    EXPECT_THROW(strict.predict(gaps.data(), 1), std::invalid_argument);
    EXPECT_THROW(model.predict(gaps.data(), -1), std::invalid_argument);
    EXPECT_THROW(model.predict(gaps.data(), 1, 0), std::invalid_argument);
    EXPECT_NO_THROW(model.deep_features(gaps.data(), 1, 2));
    EXPECT_THROW(model.deep_features(gaps.data(), 1, 3), std::invalid_argument);
    EXPECT_THROW(model.deep_features(gaps.data(), 1, -1), std::invalid_argument);
}

TEST(Model, RefusesOtherFiles) {
    const auto expect = [](const std::string& bytes, const char* part) {
        const std::string said = complaint(bytes);
        EXPECT_NE(said.find(part), std::string::npos) << said << "\nlacks: " << part;
        EXPECT_EQ(said.rfind("FILE ", 0), 0u) << said;
        EXPECT_EQ(said.find('\n'), std::string::npos) << said;
    };
    expect("", "does not begin as such a file does");
    expect("hello", "does not begin as such a file does");
    expect(zip({{"a.txt", "hello"}}), "was not written by fastae: name");
    expect(golden("model-0.1.0-labels.fastae"), "a classifier or regressor");
    expect(golden("model-0.1.0-values.fastae"), "a classifier or regressor");
    const std::string file = numbers_file();
    expect(reworded(file, R"("kind": "model")", R"("kind": "checkpoint")"), "another kind");
    expect(reworded(file, R"("version": 1)", R"("version": 2)"), "of version 2");
    expect(reworded(file, R"("version": 1)", R"("version": 0)"), "version is none");
    expect(reworded(file, R"([["_activations", )", R"([["_score_model", 1], ["_activations", )"),
           "anomaly_score");
    expect(reworded(file, R"(["_encoder", null])", R"(["_encoder", 1])"), "H2O");
    const std::string factors = factors_file();
    expect(reworded(factors, R"([["levels", ["low", "high"]])", R"([["levels", ["low", 3]])"),
           "no texts");
}

// The parameter may have been changed since; what was fitted is an attribute.
TEST(Model, TheParameterAnomalyScoreAloneSaysNothing) {
    for (const char* word : {R"("mse")", R"({"tuple": ["mse"]})", R"("mahalanobis")"}) {
        const std::string said = R"([["anomaly_score", )" + std::string(word) + R"(], ["x", )";
        EXPECT_EQ(complaint(reworded(numbers_file(), R"([["activation", )", said)), "");
    }
}

TEST(Model, RefusesWhatDoesNotFitTogether) {
    const std::vector<std::pair<const char*, const char*>> changes{
        {R"(["n_features_in_", 5])", R"(["n_features_in_", 4])"},
        {R"(["n_features_in_", 5])", R"(["n_features_in_", 6])"},
        {R"(["n_features_in_", 5])", R"(["n_features_in_", 4611686018427387904])"},
        {R"(["n_features_in_", 5])", R"(["n_features_in_", null])"},
        {R"(["_limit", 10.0])", R"(["_limit", 0.0])"},
        {R"(["_limit", 10.0])", R"(["_limit", NaN])"},
        {R"(["_missing", "ignore"])", R"(["_missing", "forget"])"},
        {R"(["_activations", {"tuple": ["tanh", )", R"(["_activations", {"tuple": [)"},
        {R"(["_activations", {"tuple": ["tanh", )", R"(["_activations", {"tuple": ["sine", )"},
        {R"(["coefs_", [{"array": "coefs_/0"}, )", R"(["coefs_", [)"},
        {R"(["coefs_", [{"array": "coefs_/0"})", R"(["coefs_", [{"array": "coefs_/1"})"},
        {R"(["coefs_", [{"array": "coefs_/0"})", R"(["coefs_", [{"array": "scale_"})"},
        {R"(["scale_", {"array": "scale_"}])", R"(["scale_", {"array": "_errors/0"}])"},
        {R"(["scale_", {"array": "scale_"}])", R"(["scale_", {"array": "coefs_/0"}])"},
        {R"(["_kept", null])", R"(["_kept", {"array": "constant_features_"}])"},
        {R"(["offset_", )", R"(["offset_", null], ["x", )"},
        {R"(["offset_", )", R"(["scale_", )"},
        {R"("class": "Autoencoder")", R"("class": "Encoder")"}};
    const std::string file = numbers_file();
    for (const auto& [from, to] : changes) {
        const std::string said = complaint(reworded(file, from, to));
        EXPECT_NE(said.find("is damaged or was not written by fastae"), std::string::npos)
            << to << ": " << said;
    }
    const auto with_nan = [](std::string bytes) {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        std::memcpy(bytes.data() + bytes.size() - sizeof nan, &nan, sizeof nan);
        return bytes;
    };
    EXPECT_NE(complaint(forged(file, "coefs_/1.npy", with_nan)).find("finite"), std::string::npos);
}

TEST(Model, RefusesEveryTruncation) {
    const std::string file = numbers_file();
    for (std::size_t size = 0; size < file.size(); size += 7) {
        EXPECT_NE(complaint(file.substr(0, size)), "") << size;
    }
}

/// One of several kinds of damage to a text.
std::string mutated(std::string text, std::mt19937& bits) {
    const std::size_t at = bits() % text.size(), other = bits() % text.size();
    switch (bits() % 5) {
        case 0:
            text[at] = static_cast<char>(text[at] ^ 1 << bits() % 8);
            return text;
        case 1:
            return text.erase(at, 1 + bits() % 40);
        case 2:
            return text.insert(at, text.substr(other, 1 + bits() % 40));
        case 3:
            return text.replace(at, 1, bits() % 2 ? "99999999999" : "null");
        default:
            return text.replace(at, 8, 8, bits() % 2 ? '\xff' : '\0');
    }
}

TEST(Model, MutatedFilesAreRefusedOrScore) {
    std::mt19937 bits(7);
    int n_refused = 0;
    for (const std::string& file : {numbers_file(), factors_file()}) {
        const Entries entries = unzip(file);
        for (int i = 0; i < kMutations; ++i) {
            // Half of them with the right checksums.
            const std::string& name = entries[bits() % entries.size()].first;
            const auto change = [&](std::string text) { return mutated(text, bits); };
            const std::string bytes =
                i % 2 ? mutated(file, bits)
                      : forged(file, i % 4 ? name : std::string("meta.json"), change);
            try {
                const Model model = Model::from_bytes(bytes);
                std::vector<double> X(3 * static_cast<std::size_t>(model.n_features()), kNaN);
                model.reconstruct(X.data(), 3);
                model.transform(X.data(), 3);
                model.predict(X.data(), 3);
            } catch (const std::invalid_argument&) {  // of NaN
            } catch (const std::runtime_error&) {
                ++n_refused;
            }
        }
    }
    EXPECT_GT(n_refused, kMutations / 2);
}

TEST(Model, LoadSaysWhichFileThereIsNot) {
    for (const char* path : {"/no/such/file", FASTAE_GOLDEN}) {
        try {
            Model::load(path);
            ADD_FAILURE() << path;
        } catch (const std::runtime_error& error) {
            EXPECT_EQ(error.what(),
                      path + std::string(" cannot be read: name a file that save wrote"));
        }
    }
    EXPECT_EQ(Model::load(FASTAE_GOLDEN "/model-0.1.0-numbers.fastae").n_features(), 5);
}

}  // namespace fastae::model_test
