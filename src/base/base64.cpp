#include "base/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace quern {

std::string to_base64(ByteView bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

Result<Buffer> from_base64(std::string_view text) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t end = std::min(text.find('='), text.size());
  const std::string_view padding = text.substr(end);
  const bool letters = text.substr(0, end).find_first_not_of(kLetters) == std::string_view::npos;
  if (text.size() % 4 != 0 || !letters || (padding != "" && padding != "=" && padding != "==")) {
    return fail(ErrorKind::corrupt_data, "it is not base64");
  }
  Buffer out(text.size() / 4 * 3);
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0) return fail(ErrorKind::corrupt_data, "it is not base64");
  out.resize(static_cast<std::size_t>(n) - padding.size());
  return out;
}

}  // namespace quern
