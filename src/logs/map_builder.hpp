// A msgpack map whose size is known only once its pairs are there: its first byte waits.
#pragma once

#include "base/bytes.hpp"

#include "logs/msgpack.hpp"

#include <cstdint>
#include <string_view>
#include <utility>

namespace quern::logs {

class MapBuilder {
 public:
  MapBuilder() : map_(1), writer_(map_) {}
  MapBuilder(const MapBuilder&) = delete;  // writer_ refers to map_
  MapBuilder& operator=(const MapBuilder&) = delete;
  ~MapBuilder() = default;

  // The value is written next, with what this answers.
  msgpack::Writer& key(std::string_view name) {
    writer_.string(name);
    ++count_;
    return writer_;
  }
  void text(std::string_view name, std::string_view value) { key(name).string(value); }
  // Both are msgpack objects.
  void pair(ByteView name, ByteView value) {
    writer_.raw(name);
    writer_.raw(value);
    ++count_;
  }
  void reserve(std::size_t bytes) { map_.reserve(bytes); }
  std::uint32_t count() const { return count_; }
  // Ends its use.
  Buffer finish() {
    if (count_ < 16) {
      map_.front() = static_cast<std::byte>(0x80U | count_);
      return std::move(map_);
    }
    const bool wide = count_ > 0xffff;
    map_.front() = std::byte{wide ? std::uint8_t{0xdf} : std::uint8_t{0xde}};
    Buffer size;
    for (int shift = wide ? 24 : 8; shift >= 0; shift -= 8)
      size.push_back(static_cast<std::byte>(count_ >> static_cast<unsigned>(shift)));
    map_.insert(map_.begin() + 1, size.begin(), size.end());
    return std::move(map_);
  }

 private:
  Buffer map_;
  msgpack::Writer writer_;
  std::uint32_t count_ = 0;
};

}  // namespace quern::logs
