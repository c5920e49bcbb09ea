#include "json.hpp"

#include <charconv>
#include <cstdint>
#include <limits>

namespace fastae::saved {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Moves over a text, and throws where it is no JSON.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    void space() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != kNone) ++at_;
    }

    bool at_end() const { return at_ == text_.size(); }

    /// Takes this character if it is the next one.
    bool take(char c) {
        if (at_end() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    void expect(char c) {
        if (!take(c)) fail();
    }

    /// The next value, without the space around it.
    std::string_view value(int depth) {
        space();
        const std::size_t begin = at_;
        if (at_end() || depth >= Json::kMaxDepth) fail();
        switch (text_[at_]) {
            case '[':
                container(']', depth);
                break;
            case '{':
                container('}', depth);
                break;
            case '"':
                text();
                break;
            default:
                plain();
        }
        const std::string_view found = text_.substr(begin, at_ - begin);
        space();
        return found;
    }

    /// Calls visit(part) for all parts of what is open here: values, and before each its key if
    /// that closes with '}'.
    template <class Visit>
    void parts(char close, int depth, Visit&& visit) {
        ++at_;
        space();
        if (take(close)) return;
        do {
            if (close == '}') {
                const std::string_view key = value(depth);
                if (key.front() != '"') fail();
                visit(key);
                expect(':');
            }
            visit(value(depth));
        } while (take(','));
        expect(close);
    }

  private:
    static constexpr std::size_t kNone = std::string_view::npos;

    [[noreturn]] static void fail() { throw Damage("its meta.json is no JSON"); }

    void container(char close, int depth) {
        parts(close, depth + 1, [](std::string_view) {});
    }

    void text() {
        expect('"');
        while (!take('"')) {
            if (at_end()) fail();
            const auto c = static_cast<unsigned char>(text_[at_++]);
            if (c < 0x20 || c > 0x7e) fail();
            if (c == '\\') escape();
        }
    }

    void escape() {
        if (take('u')) {
            for (int i = 0; i < 4; ++i, ++at_) {
                if (at_end() || kHex.find(text_[at_]) == kNone) fail();
            }
        } else if (at_end() || kEscapes.find(text_[at_++]) == kNone) {
            fail();
        }
    }

    void plain() {
        for (const std::string_view word :
             {"null", "true", "false", "NaN", "Infinity", "-Infinity"}) {
            if (text_.substr(at_, word.size()) == word) {
                at_ += word.size();
                return;
            }
        }
        take('-');
        if (!take('0')) digits();
        if (take('.')) digits();
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            digits();
        }
    }

    void digits() {
        if (at_end() || !is_digit(text_[at_])) fail();
        while (!at_end() && is_digit(text_[at_])) ++at_;
    }

    static constexpr std::string_view kHex = "0123456789abcdefABCDEF";
    static constexpr std::string_view kEscapes = "\"\\/bfnrt";

    std::string_view text_;
    std::size_t at_ = 0;
};

[[noreturn]] void fail_type(const char* what) {
    throw Damage(std::string("its meta.json has another value where ") + what + " should be");
}

void append_utf8(std::uint32_t code, std::string& out) {
    const auto add = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
    if (code < 0x80) {
        add(code);
    } else if (code < 0x800) {
        add(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        add(0xe0 | code >> 12);
        add(0x80 | (code >> 6 & 0x3f));
    } else {
        add(0xf0 | code >> 18);
        add(0x80 | (code >> 12 & 0x3f));
        add(0x80 | (code >> 6 & 0x3f));
    }
    if (code >= 0x80) add(0x80 | (code & 0x3f));
}

/// The character of \uXXXX, or of two of them, at the front; takes them away.
std::uint32_t take_character(std::string_view& text) {
    const auto unit = [&] {
        std::uint32_t code = 0;
        std::from_chars(text.data() + 2, text.data() + 6, code, 16);
        text.remove_prefix(6);
        return code;
    };
    const std::uint32_t high = unit();
    if (high < 0xd800 || high > 0xdfff) return high;
    const std::uint32_t low = high < 0xdc00 && text.substr(0, 2) == "\\u" ? unit() : 0;
    if (low < 0xdc00 || low > 0xdfff) throw Damage("a text in its meta.json has half a character");
    return 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
}

}  // namespace

Json Json::parse(std::string_view text) {
    Scanner scanner(text);
    const std::string_view value = scanner.value(0);
    if (!scanner.at_end()) throw Damage("its meta.json is more than one value");
    return Json(value);
}

bool Json::truth() const {
    if (text_ != "true" && text_ != "false") fail_type("true or false");
    return text_ == "true";
}

std::ptrdiff_t Json::whole() const {
    std::ptrdiff_t value = 0;
    const char* end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data(), end, value);
    if (error != std::errc() || stop != end) fail_type("a whole number");
    return value;
}

double Json::number() const {
    using Limits = std::numeric_limits<double>;
    if (text_ == "NaN") return Limits::quiet_NaN();
    if (text_ == "Infinity") return Limits::infinity();
    if (text_ == "-Infinity") return -Limits::infinity();
    double value = 0;
    const char* end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data(), end, value);
    // Not strtod, which reads by the rules of the program's locale.
    if (error != std::errc() || stop != end) fail_type("a number");
    return value;
}

std::string Json::text() const {
    if (!is_text()) fail_type("a text");
    std::string out;
    for (std::string_view rest = text_.substr(1, text_.size() - 2); !rest.empty();) {
        if (rest[0] != '\\') {
            out += rest[0];
            rest.remove_prefix(1);
        } else if (rest[1] == 'u') {
            append_utf8(take_character(rest), out);
        } else {
            constexpr std::string_view kLetters = "bfnrt", kMeanings = "\b\f\n\r\t";
            const std::size_t letter = kLetters.find(rest[1]);
            out += letter == std::string_view::npos ? rest[1] : kMeanings[letter];
            rest.remove_prefix(2);
        }
    }
    return out;
}

bool Json::is(std::string_view word) const {
    return is_text() && text_.substr(1, text_.size() - 2) == word;
}

std::vector<Json> Json::items() const { return entries('['); }

Json Json::member(std::string_view name) const {
    const std::vector<Json> parts = entries('{');
    const Json* found = nullptr;
    for (std::size_t i = 0; i < parts.size(); i += 2) {
        if (!parts[i].is(name)) continue;
        if (found) throw Damage("its meta.json says " + std::string(name) + " twice");
        found = &parts[i + 1];
    }
    if (!found) throw Damage("its meta.json lacks " + std::string(name));
    return *found;
}

bool Json::has_tag(std::string_view name) const {
    if (text_.front() != '{') return false;
    const std::vector<Json> parts = entries('{');
    return parts.size() == 2 && parts[0].is(name);
}

std::vector<Json> Json::entries(char open) const {
    if (text_.front() != open) fail_type(open == '[' ? "a list" : "an object");
    std::vector<Json> found;
    Scanner(text_).parts(open == '[' ? ']' : '}', 1,
                         [&](std::string_view part) { found.push_back(Json(part)); });
    return found;
}

}  // namespace fastae::saved
