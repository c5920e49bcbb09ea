#include "fitted.hpp"

namespace fastae::saved {

namespace {

void read_scaling(const Values& attributes, Fitted& out) {
    out.shift = attributes.doubles("shift_", out.numbers.size());
    out.scale = attributes.doubles("scale_", out.numbers.size());
    if (const std::optional<Json> limit = attributes.find("_limit")) {
        out.limit = limit->number();
        require(out.limit > 0, "_limit");
    }
    if (const std::optional<Json> missing = attributes.find("_missing")) {
        out.missing = named<Missing>(*missing, "what missing values are",
                                     {{"error", Missing::kNone},
                                      {"ignore", Missing::kIgnored},
                                      {"impute", Missing::kImputed}});
    }
    out.offset = number_of(attributes.at("offset_"));
}

constexpr Index kNewestVersion = 1;

/// Throws Refusal for a file of another kind or of a newer version.
void check_kind(const Json& meta) {
    if (!meta.member("kind").is("model")) {
        throw Refusal("it is of another kind than 'model': name a file that save wrote");
    }
    const Index version = meta.member("version").whole();
    if (version > kNewestVersion) {
        throw Refusal("it is of version " + std::to_string(version) +
                      ", and this fastae reads versions up to " + std::to_string(kNewestVersion) +
                      ": build a newer one");
    }
    if (version < 1) throw Damage("its version is none");
}

/// Whether this is a sequence of the one word "mse".
bool is_only_mse(const Json& score) {
    if (!score.is_list() && !score.has_tag("tuple")) return false;
    const std::vector<Json> words = list_of(score);
    return words.size() == 1 && words[0].is("mse");
}

/// Throws Refusal for an estimator that is for Python only.
void check_estimator(const Archive& archive, const Json& estimator) {
    const Json name = estimator.member("class");
    if (name.is("AutoencoderClassifier") || name.is("AutoencoderRegressor")) {
        throw Refusal(
            "it holds a classifier or regressor, which only Python reads: save an "
            "Autoencoder");
    }
    require(name.is("Autoencoder"), "an estimator");
    const std::optional<Json> score =
        Values(archive, estimator.member("params")).find("anomaly_score");
    const bool is_mse = !score || score->is("mse") || is_only_mse(*score);
    // The attribute is what was fitted; the parameter may say something else by now.
    if (!is_mse || Values(archive, estimator.member("fitted")).find("_score_model")) {
        throw Refusal("its anomaly_score is another than 'mse', which only Python computes");
    }
}

}  // namespace

Fitted read_fitted(const Archive& archive) {
    if (!archive.has_meta()) {
        throw Refusal("it was not written by fastae: name a file that save wrote");
    }
    const Json meta = archive.meta();
    check_kind(meta);
    const std::vector<Json> estimators = meta.member("meta").member("estimators").items();
    if (estimators.empty()) throw Damage("it holds no estimator");
    check_estimator(archive, estimators.front());
    const Values attributes(archive, estimators.front().member("fitted"));
    if (attributes.find("_encoder")) {
        throw Refusal("it reads tables by way of an H2O model's columns, which only Python does");
    }
    Fitted out;
    read_network(attributes, out);
    read_columns(attributes, out);
    read_scaling(attributes, out);
    return out;
}

}  // namespace fastae::saved
