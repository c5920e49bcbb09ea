#include "archive.hpp"

#include <array>
#include <charconv>
#include <cstring>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "fastae's files are read on little-endian machines only"
#endif

namespace fastae::saved {

namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables crc_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t crc = tables[k - 1][byte];
            tables[k][byte] = crc >> 8 ^ tables[0][crc & 0xff];
        }
    }
    return tables;
}

/// A number at a place that is known to be there.
template <class T>
T read(std::string_view bytes, std::size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

struct Entry {
    std::string_view name;
    std::uint32_t size;
    std::uint32_t crc;
    std::size_t place;  ///< of its own header
    std::size_t length_in_directory;
};

constexpr std::size_t kEndSize = 22, kDirectorySize = 46, kHeaderSize = 30;
constexpr std::uint32_t kEnd = 0x06054b50, kDirectory = 0x02014b50, kHeader = 0x04034b50;
constexpr std::uint32_t kLarge = 0xffffffff;
constexpr const char* kTooLarge = "a part of it has 2 GiB or more, which only Python reads";
// Encrypted, with sizes behind the data, or with hidden names: Python writes none of them.
constexpr std::uint16_t kStrange = 1 << 0 | 1 << 3 | 1 << 13;

/// The next entry of the directory, of which nothing outside of `bytes` is read.
Entry entry_of(std::string_view bytes) {
    if (bytes.size() < kDirectorySize || read<std::uint32_t>(bytes, 0) != kDirectory) {
        throw Damage("its directory is not where it should be");
    }
    const std::size_t name_size = read<std::uint16_t>(bytes, 28);
    const std::size_t length = kDirectorySize + name_size + read<std::uint16_t>(bytes, 30) +
                               read<std::uint16_t>(bytes, 32);
    if (length > bytes.size()) throw Damage("its directory ends too early");
    const std::string_view name = bytes.substr(kDirectorySize, name_size);
    const auto size = read<std::uint32_t>(bytes, 24);
    const auto place = read<std::uint32_t>(bytes, 42);
    if (size == kLarge || place == kLarge) throw Refusal(kTooLarge);
    if (read<std::uint16_t>(bytes, 10) != 0 || read<std::uint32_t>(bytes, 20) != size) {
        throw Damage("an entry is compressed, which none should be");
    }
    if ((read<std::uint16_t>(bytes, 8) & kStrange) != 0) {
        throw Damage("an entry is of a kind that it should not be");
    }
    return {name, size, read<std::uint32_t>(bytes, 16), place, length};
}

/// What an entry holds; all before the directory is `bytes`.
std::string_view content_of(std::string_view bytes, const Entry& entry) {
    const auto fail = [] { throw Damage("an entry is not where the directory says"); };
    if (entry.place > bytes.size() || bytes.size() - entry.place < kHeaderSize) fail();
    const std::string_view own = bytes.substr(entry.place);
    const std::size_t name_size = read<std::uint16_t>(own, 26);
    const std::size_t begin = kHeaderSize + name_size + read<std::uint16_t>(own, 28);
    if (read<std::uint32_t>(own, 0) != kHeader || begin > own.size() ||
        own.size() - begin < entry.size || own.substr(kHeaderSize, name_size) != entry.name) {
        fail();
    }
    const std::string_view content = own.substr(begin, entry.size);
    if (crc32(content) != entry.crc) throw Damage("the checksum of an entry is another one");
    return content;
}

/// Takes this from the front of the header of an array.
void take(std::string_view& header, std::string_view text, const std::string& name) {
    if (header.substr(0, text.size()) != text) {
        throw Damage("its array " + name + " does not begin as an array does");
    }
    header.remove_prefix(text.size());
}

/// Takes the numbers of a shape, up to the bracket: "3, 4" or "3,".
std::vector<std::ptrdiff_t> take_shape(std::string_view& header, const std::string& name) {
    std::vector<std::ptrdiff_t> shape;
    while (!header.empty() && header[0] != ')') {
        if (!shape.empty()) take(header, " ", name);
        std::ptrdiff_t n = 0;
        const auto [stop, error] = std::from_chars(header.data(), header.data() + header.size(), n);
        if (error != std::errc() || n < 0) {
            throw Damage("its array " + name + " has a shape that is none");
        }
        header.remove_prefix(static_cast<std::size_t>(stop - header.data()));
        shape.push_back(n);
        // "3," and "3, 4": only after the last of several there is no comma
        if (shape.size() == 1 || (!header.empty() && header[0] == ',')) take(header, ",", name);
    }
    return shape;
}

/// Whether an array has as many bytes as its shape and type say, in numbers that cannot overflow.
bool has_length(const Array& array) {
    std::size_t item_size = 0;  // of the numbers that a model has: "<f4", "<i8"
    if (array.type.size() == 3) {
        std::from_chars(array.type.data() + 2, array.type.data() + 3, item_size);
    }
    if (item_size == 0 || array.bytes.size() % item_size != 0) return false;
    std::size_t rest = array.bytes.size() / item_size;
    for (const std::ptrdiff_t side : array.shape) {
        if (side == 0) return array.bytes.empty();
    }
    for (const std::ptrdiff_t side : array.shape) {
        if (rest % static_cast<std::size_t>(side) != 0) return false;
        rest /= static_cast<std::size_t>(side);
    }
    return rest == 1;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
    static constexpr Tables kTables = crc_tables();
    std::uint32_t crc = 0xffffffff;
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        const auto word = read<std::uint64_t>(bytes, at) ^ crc;
        crc = 0;
        for (std::size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][word >> 8 * k & 0xff];
    }
    for (; at < bytes.size(); ++at) {
        crc = crc >> 8 ^ kTables[0][(crc ^ static_cast<unsigned char>(bytes[at])) & 0xff];
    }
    return ~crc;
}

std::ptrdiff_t Array::length_as(std::string_view expected_type) const {
    if (shape.size() != 1 || type != expected_type) {
        throw Damage("its array " + name + " is of another shape or type than it should be");
    }
    return shape[0];
}

Archive::Archive(std::string_view content) {
    if (content.substr(0, 2) != "PK") throw Damage("it does not begin as such a file does");
    if (content.size() < kEndSize) throw Damage("it ends too early");
    const std::size_t end = content.size() - kEndSize;
    const std::string_view tail = content.substr(end);
    if (read<std::uint32_t>(tail, 0) != kEnd) throw Damage("it ends too early or goes on too long");
    const std::size_t n_entries = read<std::uint16_t>(tail, 10);
    const std::size_t size = read<std::uint32_t>(tail, 12), begin = read<std::uint32_t>(tail, 16);
    if (n_entries == 0xffff || size == kLarge || begin == kLarge) throw Refusal(kTooLarge);
    if (begin + size != end) throw Damage("its directory is not where it should be");
    std::string_view directory = content.substr(begin, size);
    const std::string_view before = content.substr(0, begin);
    std::size_t total = 0;
    while (!directory.empty()) {
        const Entry entry = entry_of(directory);
        directory.remove_prefix(entry.length_in_directory);
        // All together, since entries of a crafted file can lie on top of each other.
        total += entry.size;
        if (total > before.size()) throw Damage("its entries need more than its bytes");
        if (!entries_.emplace(entry.name, content_of(before, entry)).second) {
            throw Damage("two of its entries have the same name");
        }
    }
    if (entries_.size() != n_entries) throw Damage("it has another number of entries than it says");
}

Json Archive::meta() const {
    if (!has_meta()) throw Damage("it has no meta.json");
    const Json meta = Json::parse(entries_.at(kMeta));
    const std::vector<Json> names = meta.member("arrays").items();
    for (const Json& name : names) {
        if (entries_.count(name.text() + ".npy") == 0) throw Damage("an array is not there");
    }
    if (names.size() + 1 != entries_.size()) {
        throw Damage("its entries are not those that it lists");
    }
    return meta;
}

Array Archive::array(const std::string& name) const {
    const auto found = entries_.find(name + ".npy");
    if (found == entries_.end()) throw Damage("its array " + name + " is not there");
    const std::string_view bytes = found->second;
    const std::string_view magic("\x93NUMPY\x01\x00", 8);
    std::string_view rest = bytes;
    take(rest, magic, name);
    const std::size_t length = rest.size() < 2 ? bytes.size() : read<std::uint16_t>(rest, 0);
    if (rest.size() < 2 || rest.size() - 2 < length) throw Damage("its array " + name + " ends");
    std::string_view header = rest.substr(2, length);
    Array array{name, "", {}, false, rest.substr(2 + length)};
    take(header, "{'descr': '", name);
    array.type = header.substr(0, header.find('\''));
    header.remove_prefix(array.type.size());
    take(header, "', 'fortran_order': ", name);
    array.fortran_order = header.substr(0, 4) == "True";
    take(header, array.fortran_order ? "True" : "False", name);
    take(header, ", 'shape': (", name);
    array.shape = take_shape(header, name);
    take(header, "), }", name);
    if (header.find_first_not_of(' ') + 1 != header.size() || header.back() != '\n') {
        throw Damage("its array " + name + " does not begin as an array does");
    }
    if (!has_length(array)) {
        throw Damage("its array " + name + " is not as long as its shape says");
    }
    return array;
}

}  // namespace fastae::saved
