#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fastae::saved {

/// Something in a file is not what it should be.
struct Damage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A file is sound, but not one for this reader.
struct Refusal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A value in a JSON text: a view of it, never a copy.
///
/// A reader of our own, since the usual libraries come from systems' packages only, not with `pip
/// install`, and since they build a tree, which a forged file can make 30 times as large as its
/// text. Strict but for the NaN and Infinity that Python's json writes; ASCII, as that is.
class Json {
  public:
    /// Checks a whole text, once: Damage unless it is one value, nested at most kMaxDepth deep.
    static Json parse(std::string_view text);

    // Damage where the value is of another type.
    bool is_null() const { return text_ == "null"; }
    bool is_list() const { return text_.front() == '['; }
    bool is_text() const { return text_.front() == '"'; }
    bool truth() const;
    /// A number that was written as a whole one, and fits.
    std::ptrdiff_t whole() const;
    double number() const;
    /// UTF-8.
    std::string text() const;
    /// Whether this is a text without escapes that equals `word`.
    bool is(std::string_view word) const;

    /// Of a list; each takes 16 bytes here and at least 2 in the text.
    std::vector<Json> items() const;
    /// The value of an object's only entry of this name.
    Json member(std::string_view name) const;
    /// Whether this is an object of one entry, of this name.
    bool has_tag(std::string_view name) const;

    static constexpr int kMaxDepth = 64;

  private:
    explicit Json(std::string_view text) : text_(text) {}
    /// Keys, in quotes, and values in turn.
    std::vector<Json> entries(char open) const;

    std::string_view text_;
};

}  // namespace fastae::saved
