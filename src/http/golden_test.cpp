// Requests byte for byte and the answers to them: tests/golden/http/*.txt.
//
// A file holds cases: "# what this is", the request's lines behind "> ", the answer's behind "< ".
// A request line is sent with CR LF behind it; \r \n \t \0 \xHH and \\ in it mean what they do in
// C, and a line that ends with \c has no CR LF. The server echoes what it understood; the date and
// what is behind "req_" of an id are left out. The connection's fate comes last: "= open" or "=
// closed". QUERN_RENEW_GOLDEN=1 writes the files anew; read the difference before you commit it.
#include "base/text.hpp"
#include "http/test_support.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace quern::http::test {
namespace {

struct Case {
  std::string title;
  std::string request_lines;  // as written
  std::string expected;
};

std::string unescape(std::string_view line) {
  std::string out;
  bool newline = true;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      out += line[i];
      continue;
    }
    switch (line[++i]) {
      case 'r': out += '\r'; break;
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case '0': out += '\0'; break;
      case 'c': newline = false; break;
      case 'x':
        out += static_cast<char>(std::stoi(std::string(line.substr(i + 1, 2)), nullptr, 16));
        i += 2;
        break;
      default: out += line[i]; break;
    }
  }
  return newline ? out + "\r\n" : out;
}

std::vector<Case> read_cases(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<Case> cases;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# ")) cases.push_back({.title = line.substr(2)});
    if (cases.empty()) continue;
    if (line.starts_with(">")) cases.back().request_lines += line + "\n";
    if (line.starts_with("<") || line.starts_with("=")) cases.back().expected += line + "\n";
  }
  return cases;
}

// What the server answered, in the form of the file.
std::string play(const Case& played) {
  TestServer server(echo);
  RawClient client(server.port());
  std::string request;
  for (const std::string_view line : split(played.request_lines, '\n')) {
    if (line.starts_with("> ")) request += unescape(line.substr(2));
    if (line == ">") request += "\r\n";
  }
  client.send(request);
  std::string out;
  std::istringstream lines(client.receive_all(milliseconds(250)));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.starts_with("x-request-id: req_") && line.size() == 34) line.resize(18);
    if (!line.starts_with("date: ")) out += line.empty() ? "<\n" : "< " + line + "\n";
  }
  return out + (client.closed_within(milliseconds(20)) ? "= closed\n" : "= open\n");
}

TEST(Golden, requests_are_answered_as_written) {
  const bool renew = std::getenv("QUERN_RENEW_GOLDEN") != nullptr;  // NOLINT(concurrency-mt-unsafe)
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(QUERN_GOLDEN_HTTP)) {
    std::string renewed;
    for (const Case& written : read_cases(entry.path())) {
      ++count;
      const std::string answer = play(written);
      renewed +=
          (renewed.empty() ? "# " : "\n# ") + written.title + "\n" + written.request_lines + answer;
      if (renew) continue;
      EXPECT_EQ(answer, written.expected) << entry.path().filename() << ": " << written.title;
    }
    if (renew) std::ofstream(entry.path()) << renewed;
  }
  EXPECT_GT(count, 50U);
}

}  // namespace
}  // namespace quern::http::test
