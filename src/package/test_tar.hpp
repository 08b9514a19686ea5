// Archives that are made for a test.
#pragma once

#include <cstdio>
#include <string>

namespace quern::package::test {

// One file, and the archive's end.
inline std::string tar_of(const std::string& name, const std::string& content) {
  std::string head(512, '\0');
  head.replace(0, name.size(), name);
  char size[13] = {};
  std::snprintf(size, sizeof size, "%011zo", content.size());
  head.replace(124, 11, size);
  head[156] = '0';
  std::string body = content;
  body.resize((content.size() + 511) / 512 * 512);
  return head + body + std::string(1024, '\0');
}

}  // namespace quern::package::test
