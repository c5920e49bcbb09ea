#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fastae {

/// Names and contents of entries.
using Entries = std::vector<std::pair<std::string, std::string>>;

/// The bytes of an uncompressed zip file, with the right checksums.
std::string zip(const Entries& entries);

/// The entries of a file that Python's zipfile wrote, uncompressed.
Entries unzip(const std::string& bytes);

/// An array of this description, as NumPy's format 1.0 has it.
std::string npy(const std::string& description, const std::string& data);

/// A file of the folder of golden files.
std::string golden(const std::string& name);

/// The same file, but for one entry.
std::string forged(const std::string& bytes, const std::string& name,
                   const std::function<std::string(std::string)>& change);

/// The same file, with another text in its JSON, which must be there once.
std::string reworded(const std::string& bytes, const std::string& from, const std::string& to);

}  // namespace fastae
