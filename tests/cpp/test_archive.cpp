#include <gtest/gtest.h>

#include "archives.hpp"
#include "model/archive.hpp"

namespace fastae::archive_test {

using saved::Archive;
using saved::Array;
using saved::Damage;

const std::string kMeta = R"({"kind": "model", "version": 1, "arrays": ["w"], "meta": {}})";
const std::string kFloats(24, '\1');

std::string header(const std::string& type, const std::string& shape) {
    return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }   ";
}

std::string small_file() {
    return zip({{"w.npy", npy(header("<f4", "(2, 3)"), kFloats)}, {"meta.json", kMeta}});
}

TEST(Archive, ReadsWhatWasWritten) {
    const std::string bytes = small_file();
    const Archive archive(bytes);
    EXPECT_TRUE(archive.meta().member("kind").is("model"));
    const Array array = archive.array("w");
    EXPECT_EQ(array.type, "<f4");
    EXPECT_EQ(array.shape, (std::vector<std::ptrdiff_t>{2, 3}));
    EXPECT_FALSE(array.fortran_order);
    EXPECT_EQ(array.bytes, kFloats);
    EXPECT_THROW(array.length_as("<f4"), Damage);
    EXPECT_THROW(archive.array("v"), Damage);
    EXPECT_EQ(saved::crc32("123456789"), 0xcbf43926u);  // the check value of this CRC
}

TEST(Archive, RefusesEveryTruncation) {
    const std::string bytes = small_file();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_THROW(Archive(std::string_view(bytes).substr(0, size)), Damage) << size;
    }
    EXPECT_THROW(Archive(bytes + "\n"), Damage);
}

TEST(Archive, NoFlippedBitChangesTheContent) {
    const std::string whole = small_file();
    int n_refused = 0;
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        std::string bytes = whole;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
        try {
            const Archive archive(bytes);
            EXPECT_TRUE(archive.meta().member("kind").is("model"));
            EXPECT_EQ(archive.array("w").bytes, kFloats) << bit;
        } catch (const std::runtime_error&) {
            ++n_refused;
        }
    }
    // Dates, versions and such are of no matter here.
    EXPECT_GT(n_refused, static_cast<int>(8 * whole.size() * 3 / 4));
}

TEST(Archive, RefusesHeadersOfArraysThatAreNone) {
    const auto array_with = [](const std::string& description) {
        return zip({{"w.npy", npy(description, kFloats)}, {"meta.json", kMeta}});
    };
    for (const char* shape :
         {"(2, 4)", "(6)", "(2, 3", "(2 3)", "(-2, -3)", "(0, 3)", "(, )", "(7,)", "()",
          "(99999999999999999999,)", "(4611686018427387904, 4611686018427387904)",
          "(2, 3, 18446744073709551617)", "(0, 4611686018427387904, 4611686018427387904)"}) {
        const std::string bytes = array_with(header("<f4", shape));
        EXPECT_THROW(Archive(bytes).array("w"), Damage) << shape;
    }
    for (const char* type : {"|O", "<f0", "<f", "", "<f4'", "<f44444444444444444444", "<fx"}) {
        const std::string bytes = array_with(header(type, "(2, 3)"));
        EXPECT_THROW(Archive(bytes).array("w"), Damage) << type;
    }
    for (const char* description : {"", "{", "{'descr': '<f4'", "{'descr': '<f4', 'shape': ()"}) {
        const std::string bytes = array_with(description);
        EXPECT_THROW(Archive(bytes).array("w"), Damage) << description;
    }
    const std::string cut = zip({{"w.npy", "\x93NUMPY"}, {"meta.json", kMeta}});
    EXPECT_THROW(Archive(cut).array("w"), Damage);
}

TEST(Archive, RefusesEntriesThatAreNotThoseListed) {
    const std::string w = npy(header("<f4", "(2, 3)"), kFloats);
    const auto meta_of = [](const Entries& entries) {
        const std::string bytes = zip(entries);
        Archive(bytes).meta();
    };
    EXPECT_NO_THROW(meta_of({{"w.npy", w}, {"meta.json", kMeta}}));
    EXPECT_THROW(meta_of({{"meta.json", kMeta}}), Damage);
    EXPECT_THROW(meta_of({{"w.npy", w}}), Damage);
    EXPECT_THROW(meta_of({{"w.npy", w}, {"v.npy", w}, {"meta.json", kMeta}}), Damage);
    EXPECT_THROW(meta_of({{"w.npy", w}, {"w.npy", w}, {"meta.json", kMeta}}), Damage);
}

TEST(Archive, RefusesEntriesOnTopOfEachOther) {
    std::string bytes = small_file();
    // The second entry of the directory is to begin where the first does.
    const std::size_t second = bytes.rfind("PK\x01\x02");
    bytes.replace(second + 42, 4, 4, '\0');
    EXPECT_THROW(Archive{bytes}, Damage);
}

}  // namespace fastae::archive_test
