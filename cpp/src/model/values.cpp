#include "values.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

namespace fastae::saved {

void require(bool condition, const char* what) {
    if (!condition) throw Damage(std::string(what) + " does not fit the rest of the model");
}

Json untagged(const Json& value, const char* tag) {
    require(value.has_tag(tag), tag);
    return value.member(tag);
}

std::vector<Json> list_of(const Json& value) {
    return (value.is_list() ? value : untagged(value, "tuple")).items();
}

double number_of(const Json& value) {
    if (!value.has_tag("scalar")) return value.number();
    const std::vector<Json> parts = value.member("scalar").items();  // type and value
    require(parts.size() == 2 && parts[0].is("<f8"), "a number");
    return parts[1].number();
}

Values::Values(const Archive& archive, const Json& pairs) : archive_(archive) {
    for (const Json& pair : pairs.items()) {
        const std::vector<Json> parts = pair.items();
        require(parts.size() == 2 && values_.emplace(parts[0].text(), parts[1]).second, "a value");
    }
}

std::optional<Json> Values::find(const char* name) const {
    const auto found = values_.find(name);
    if (found == values_.end() || found->second.is_null()) return std::nullopt;
    return found->second;
}

Json Values::at(const char* name) const {
    const std::optional<Json> found = find(name);
    if (!found) throw Damage(std::string("it lacks ") + name);
    return *found;
}

Values Values::below(const Json& value, const char* tag) const {
    return Values(archive_, untagged(value, tag));
}

Array Values::array(const Json& value) const {
    return archive_.array(untagged(value, "array").text());
}

std::vector<double> Values::doubles(const char* name, std::size_t size) const {
    const Array stored = array(at(name));
    require(static_cast<std::size_t>(stored.length_as("<f8")) == size, name);
    std::vector<double> values(size);
    if (size > 0) std::memcpy(values.data(), stored.bytes.data(), stored.bytes.size());
    return values;
}

std::vector<std::ptrdiff_t> Values::places(const char* name, std::ptrdiff_t end) const {
    const Array stored = array(at(name));
    std::vector<std::ptrdiff_t> found(static_cast<std::size_t>(stored.length_as("<i8")));
    for (std::size_t i = 0; i < found.size(); ++i) {
        std::int64_t place;
        std::memcpy(&place, stored.bytes.data() + i * sizeof place, sizeof place);
        require(place >= 0 && place < end, name);
        found[i] = static_cast<std::ptrdiff_t>(place);
    }
    const bool ascends =
        std::adjacent_find(found.begin(), found.end(), std::greater_equal<>()) == found.end();
    require(ascends, name);
    return found;
}

}  // namespace fastae::saved
