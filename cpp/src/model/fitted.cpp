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

/// Throws Refusal for an estimator that is for Python only.
void check_estimator(const Archive& archive, const Json& estimator) {
    const Json name = estimator.member("class");
    if (name.is("AutoencoderClassifier") || name.is("AutoencoderRegressor")) {
        throw Refusal(
            "it holds a classifier or regressor, which only Python reads: save an "
            "Autoencoder");
    }
    require(name.is("Autoencoder"), "an estimator");
    // What was fitted counts; the parameter anomaly_score may say something else by now.
    if (Values(archive, estimator.member("fitted")).find("_score_model")) {
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
