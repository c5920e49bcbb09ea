#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json.hpp"

namespace fastae::saved {

/// As zip files have it: of all of `bytes`.
std::uint32_t crc32(std::string_view bytes);

/// An array in a file; the bytes are the file's.
struct Array {
    std::string name;
    std::string type;  ///< as NumPy calls it: "<f4"
    std::vector<std::ptrdiff_t> shape;
    bool fortran_order;
    std::string_view bytes;  ///< as many as the shape says

    /// The number of elements of an array of one dimension and this type; Damage if it is another.
    std::ptrdiff_t length_as(std::string_view expected_type) const;
};

/// A file that fastae wrote: arrays and JSON in an uncompressed zip file. A view: the content must
/// outlive it. Nothing larger than a list of the entries is made.
class Archive {
  public:
    /// Finds the entries and compares all their checksums. Throws Damage.
    explicit Archive(std::string_view content);

    bool has_meta() const { return entries_.count(kMeta) == 1; }
    /// The JSON text. Throws Damage if it or an array that it lists is not there, or another one
    /// is.
    Json meta() const;
    /// Throws Damage if there is no such array, or its header says anything else than it should.
    Array array(const std::string& name) const;

  private:
    static constexpr const char* kMeta = "meta.json";

    std::map<std::string, std::string_view> entries_;
};

}  // namespace fastae::saved
