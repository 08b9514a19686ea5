// POSIX.1 ustar, as far as it takes to find one file: headers of 512 bytes, contents in blocks of
// 512. Names over 100 bytes come before their file, in GNU's form or in that of pax.
// https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06
#include "package/tar_image.hpp"

#include "base/text.hpp"
#include "base/unpack.hpp"

#include "package/registry.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace quern::package {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameBytes = 100;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kSizeBytes = 12;
constexpr std::size_t kTypeAt = 156;

Failure bad(std::string_view what) {
  return fail(ErrorKind::corrupt_data, "the layer is no tar archive: " + std::string(what));
}

std::string_view until_nul(std::string_view field) { return field.substr(0, field.find('\0')); }

// Octal digits, blanks around them. Sizes beyond 8 GiB have another form, and no place here.
Result<std::size_t> octal(std::string_view field) {
  std::size_t value = 0;
  for (const char c : trim(until_nul(field))) {
    if (c < '0' || c > '7') return bad("a size in a form that is not known");
    value = value * 8 + static_cast<std::size_t>(c - '0');
  }
  return value;
}

// What a pax header says of the file behind it, in place of that one's own header.
struct Pax {
  std::optional<std::string_view> path;
  std::optional<std::size_t> size;
};

// Its records are "LENGTH KEY=VALUE\n"; what follows one that is none is not read.
Result<Pax> read_pax(std::string_view records) {
  Pax pax;
  while (!records.empty()) {
    const std::size_t blank = records.find(' ');
    const auto length = parse_number<std::size_t>(records.substr(0, blank));
    if (!length.ok() || blank == std::string_view::npos) break;
    if (*length < blank + 2 || *length > records.size()) break;
    const std::string_view record = records.substr(blank + 1, *length - blank - 2);
    const std::string_view value = record.substr(std::min(record.find('=') + 1, record.size()));
    if (record.starts_with("path=")) pax.path = value;
    if (record.starts_with("size=")) {
      const auto size = parse_number<std::size_t>(value);
      if (!size.ok()) return bad("a size in a form that is not known");
      pax.size = *size;
    }
    records.remove_prefix(*length);
  }
  return pax;
}

Result<Buffer> find_wasm(ByteView tar) {
  std::optional<ByteView> found;
  std::optional<std::string_view> long_name;  // of the next file, in GNU's form
  Pax pax;                                    // and what POSIX's says of it
  for (std::size_t at = 0; tar.size() - at >= kBlock;) {
    const std::string_view head = as_text(tar.subspan(at, kBlock));
    if (head.find_first_not_of('\0') == std::string_view::npos) break;  // the end
    at += kBlock;
    const char type = head[kTypeAt];
    const bool about_another = type == 'L' || type == 'K' || type == 'x' || type == 'g';
    const std::size_t size =
        !about_another && pax.size ? *pax.size : TRY(octal(head.substr(kSizeAt, kSizeBytes)));
    if (size > tar.size() - at) return bad("cut off");
    const ByteView content = tar.subspan(at, size);
    at += std::min((size + kBlock - 1) / kBlock * kBlock, tar.size() - at);
    if (type == 'L') {
      long_name = until_nul(as_text(content));
      continue;
    }
    if (type == 'x') {
      pax = TRY(read_pax(as_text(content)));
      continue;
    }
    if (about_another) continue;
    const bool file = type == '0' || type == '\0';
    const std::string_view name =
        pax.path.value_or(long_name.value_or(until_nul(head.substr(0, kNameBytes))));
    long_name.reset();
    pax = {};
    if (!file || !name.ends_with(".wasm")) continue;
    if (found) return fail(ErrorKind::unsupported, "the image holds several programs");
    found = content;
  }
  if (!found) return fail(ErrorKind::unsupported, "the image holds no .wasm file");
  return Buffer(found->begin(), found->end());
}

}  // namespace

Result<Buffer> wasm_in_image(ByteView layer) {
  const bool packed = as_text(layer).starts_with("\x1f\x8b");
  if (!packed) return find_wasm(layer);
  const Buffer tar = TRY(unpack(layer, kLargestProgram));
  return find_wasm(tar);
}

}  // namespace quern::package
