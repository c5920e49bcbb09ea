#include "fastae/scratch.hpp"
#include "helpers.hpp"

namespace fastae::scratch_test {

TEST(AlignedBuffer, IsZeroedOnAWholeLine) {
    for (const Index size : {1, 3, 16, 1000}) {
        AlignedBuffer<float> buffer(size);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
        for (Index i = 0; i < size; ++i) EXPECT_EQ(buffer.data()[i], 0);
    }
}

TEST(AlignedBuffer, MovesItsMemory) {
    AlignedBuffer<double> first(8);
    double* const memory = first.data();
    memory[7] = 2;
    const AlignedBuffer<double> second = std::move(first);
    EXPECT_EQ(second.data(), memory);
    EXPECT_EQ(second.data()[7], 2);
}

TEST(AlignedBuffer, MayBeEmpty) {
    EXPECT_EQ(AlignedBuffer<float>().data(), nullptr);
    EXPECT_NO_THROW(AlignedBuffer<float>(0));
}

}  // namespace fastae::scratch_test
