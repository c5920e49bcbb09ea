#pragma once

#include <cstring>
#include <memory>
#include <new>

#include "fastae/types.hpp"

namespace fastae {

/// Zero-filled memory on a 64-byte boundary, as vector loads like it.
template <class T>
class AlignedBuffer {
  public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(Index size) {
        const auto bytes = static_cast<std::size_t>(size) * sizeof(T);
        data_.reset(static_cast<T*>(::operator new(bytes, kAlignment)));
        std::memset(data_.get(), 0, bytes);
    }

    T* data() { return data_.get(); }
    const T* data() const { return data_.get(); }

  private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(T* p) const { ::operator delete(p, kAlignment); }
    };
    std::unique_ptr<T, Free> data_;
};

}  // namespace fastae
