// Where a packed model keeps what `quern pack` wrote: a place in the data of guests/model, found by
// its first bytes. The one header that the packer and the guest share; nothing but the language.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern::package {

inline constexpr char kCardMark[] = "quern:model-card 1, filled in by pack\n";
inline constexpr std::size_t kCardText = std::size_t{32} << 10U;

// Little-endian, as WebAssembly is. Name, digest and system text lie in `text` one after another.
struct CardLayout {
  char mark[40];
  std::uint32_t name_bytes;
  std::uint32_t digest_bytes;
  std::uint32_t system_bytes;
  char text[kCardText];
};
static_assert(sizeof kCardMark <= sizeof(CardLayout::mark));
static_assert(sizeof(CardLayout) == 40 + 3 * 4 + kCardText);

}  // namespace quern::package
