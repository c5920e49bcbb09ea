#include "archives.hpp"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "model/archive.hpp"

namespace fastae {

namespace {

template <class T>
void put(std::string& out, T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
}

std::uint32_t number_at(const std::string& bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, size);
    return value;
}

/// What an entry's own header and the directory have in common.
void put_shared(std::string& out, const std::string& name, const std::string& content) {
    put<std::uint16_t>(out, 20);  // version
    put<std::uint16_t>(out, 0);   // flags
    put<std::uint16_t>(out, 0);   // stored
    put<std::uint32_t>(out, 0);   // date
    put<std::uint32_t>(out, saved::crc32(content));
    put(out, static_cast<std::uint32_t>(content.size()));
    put(out, static_cast<std::uint32_t>(content.size()));
    put(out, static_cast<std::uint16_t>(name.size()));
    put<std::uint16_t>(out, 0);
}

}  // namespace

std::string zip(const Entries& entries) {
    std::string out, directory;
    for (const auto& [name, content] : entries) {
        directory += "PK\x01\x02";
        put<std::uint16_t>(directory, 20);
        put_shared(directory, name, content);
        directory.append(10, '\0');
        put(directory, static_cast<std::uint32_t>(out.size()));
        directory += name;
        out += "PK\x03\x04";
        put_shared(out, name, content);
        out += name + content;
    }
    const std::size_t begin = out.size();
    out += directory + "PK\x05\x06";
    put<std::uint32_t>(out, 0);
    put(out, static_cast<std::uint16_t>(entries.size()));
    put(out, static_cast<std::uint16_t>(entries.size()));
    put(out, static_cast<std::uint32_t>(directory.size()));
    put(out, static_cast<std::uint32_t>(begin));
    put<std::uint16_t>(out, 0);
    return out;
}

Entries unzip(const std::string& bytes) {
    Entries entries;
    for (std::size_t at = 0; bytes.compare(at, 4, "PK\x03\x04") == 0;) {
        const std::size_t size = number_at(bytes, at + 18, 4);
        const std::size_t name_size = number_at(bytes, at + 26, 2);
        const std::size_t begin = at + 30 + name_size + number_at(bytes, at + 28, 2);
        entries.emplace_back(bytes.substr(at + 30, name_size), bytes.substr(begin, size));
        at = begin + size;
    }
    return entries;
}

std::string npy(const std::string& description, const std::string& data) {
    std::string out("\x93NUMPY\x01\x00", 8);
    put(out, static_cast<std::uint16_t>(description.size() + 1));
    return out + description + "\n" + data;
}

std::string golden(const std::string& name) {
    std::ifstream stream(std::string(FASTAE_GOLDEN) + "/" + name, std::ios::binary);
    if (!stream) throw std::runtime_error("there is no golden file " + name);
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::string forged(const std::string& bytes, const std::string& name,
                   const std::function<std::string(std::string)>& change) {
    Entries entries = unzip(bytes);
    for (auto& [entry, content] : entries) {
        if (entry == name) content = change(content);
    }
    return zip(entries);
}

std::string reworded(const std::string& bytes, const std::string& from, const std::string& to) {
    return forged(bytes, "meta.json", [&](std::string text) {
        const std::size_t at = text.find(from);
        if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
            throw std::runtime_error("not once in the JSON: " + from);
        }
        return text.replace(at, from.size(), to);
    });
}

}  // namespace fastae
