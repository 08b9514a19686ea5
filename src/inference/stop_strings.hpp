// Ends a text before the first stop string, which may come in pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quern::inference {

class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> stops);  // empty ones are left out

  // The text that certainly is not part of a stop string. After a stop was found: nothing.
  std::string pass(std::string_view text);
  bool stopped() const { return stopped_; }
  // The stream is over: what was held back.
  std::string flush();

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace quern::inference
