#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archive.hpp"

// The forms that values have in a saved estimator (fastae/_saved_values.py writes them).

namespace fastae::saved {

/// Throws Damage, naming what is wrong.
void require(bool condition, const char* what);

/// What is in {"tag": value}, the form of all values that JSON has no type for.
Json untagged(const Json& value, const char* tag);

/// A list, or a tuple.
std::vector<Json> list_of(const Json& value);

/// A Python float, or one of NumPy's.
double number_of(const Json& value);

/// The one of `choices` that a text names.
template <class Kind>
Kind named(const Json& name, const char* what,
           std::initializer_list<std::pair<const char*, Kind>> choices) {
    for (const auto& [word, kind] : choices) {
        if (name.is(word)) return kind;
    }
    throw Damage(std::string(what) + " is none that this version knows");
}

/// Values by their names, which are a list of pairs in a file, and the file's arrays.
class Values {
  public:
    Values(const Archive& archive, const Json& pairs);

    /// Nothing for null and for what an older version did not write.
    std::optional<Json> find(const char* name) const;
    /// Damage if there is no such value, or it is null.
    Json at(const char* name) const;
    /// Values that are one of these: {"tag": [[name, value], ...]}.
    Values below(const Json& value, const char* tag) const;
    /// An array that is one of these, or part of one of them.
    Array array(const Json& value) const;
    /// An array of one dimension and so many float64.
    std::vector<double> doubles(const char* name, std::size_t size) const;
    /// An array of positions, ascending, below an end.
    std::vector<std::ptrdiff_t> places(const char* name, std::ptrdiff_t end) const;

  private:
    const Archive& archive_;
    std::map<std::string, Json> values_;
};

}  // namespace fastae::saved
