#include "core/byte_buffer.h"

#include <algorithm>

namespace tidemark {
namespace {

constexpr size_t kLeastCapacity = 256;

}  // namespace

void ByteBuffer::Grow(size_t count) {
  const size_t capacity = std::max({kLeastCapacity, size_ + count, 2 * capacity_});
  std::unique_ptr<char[]> bytes(new char[capacity]);
  if (size_ > 0) std::memcpy(bytes.get(), bytes_.get(), size_);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
}

}  // namespace tidemark
