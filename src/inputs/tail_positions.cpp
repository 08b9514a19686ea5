#include "inputs/tail_positions.hpp"

#include "base/text.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace quern::inputs {
namespace {

constexpr std::string_view kTitle = "quern tail 1";
constexpr Bytes kLargest = 64_MiB;
constexpr std::size_t kNumbers = 10;

// A path may hold any byte but zero.
std::string escaped(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\\') {
      text += "\\\\";
    } else {
      text += c;
    }
  }
  return text;
}

std::string unescaped(std::string_view text) {
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      path += text[i];
    } else {
      path += text[++i] == 'n' ? '\n' : text[i];
    }
  }
  return path;
}

std::string to_line(const KeptPosition& position) {
  const std::array<std::uint64_t, kNumbers> numbers{
      position.id.device,
      position.id.inode,
      position.place.offset,
      position.place.skipping ? 1U : 0U,
      position.place.print_size,
      position.place.print,
      position.head,
      static_cast<std::uint64_t>(position.seen),
      position.closed_size,
      static_cast<std::uint64_t>(position.closed_modified)};
  std::string line;
  for (const std::uint64_t number : numbers) line += std::to_string(number) + " ";
  return line + escaped(position.path) + "\n";
}

Result<KeptPosition> parse_line(std::string_view line) {
  std::array<std::uint64_t, kNumbers> numbers{};
  for (std::uint64_t& number : numbers) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return fail(ErrorKind::corrupt_data, "it is cut off");
    number = TRY(parse_number<std::uint64_t>(line.substr(0, blank)));
    line.remove_prefix(blank + 1);
  }
  if (numbers[4] > kPrintSize || numbers[4] > numbers[2])
    return fail(ErrorKind::corrupt_data, "a fingerprint of too many bytes");
  return KeptPosition{.id = {.device = numbers[0], .inode = numbers[1]},
                      .place = {.offset = numbers[2],
                                .skipping = numbers[3] != 0,
                                .print_size = static_cast<std::uint32_t>(numbers[4]),
                                .print = numbers[5]},
                      .head = numbers[6],
                      .seen = static_cast<std::int64_t>(numbers[7]),
                      .closed_size = numbers[8],
                      .closed_modified = static_cast<std::int64_t>(numbers[9]),
                      .path = unescaped(line)};
}

Failure corrupt(const std::filesystem::path& path, std::size_t line, std::string_view why) {
  return fail(ErrorKind::corrupt_data,
              path.string() + ":" + std::to_string(line) + " is no position of a file: " +
                  std::string(why) + "; without this file all logs are read from their beginning");
}

}  // namespace

Result<std::optional<std::vector<KeptPosition>>> load_positions(Files& files,
                                                                const std::filesystem::path& path) {
  const Result<Buffer> text = files.read(path, kLargest);
  if (!text.ok() && text.error().kind() == ErrorKind::not_found)
    return std::optional<std::vector<KeptPosition>>();
  if (!text.ok()) return fail(text.error());
  std::string_view rest = as_text(*text);
  std::vector<KeptPosition> positions;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return corrupt(path, number, "it has no end");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (number == 1) {
      if (line != kTitle) return corrupt(path, number, "another version wrote it");
      continue;
    }
    Result<KeptPosition> position = parse_line(line);
    if (!position.ok()) return corrupt(path, number, position.error().message());
    positions.push_back(*std::move(position));
  }
  return std::optional(std::move(positions));
}

Result<> save_positions(Files& files, const std::filesystem::path& path,
                        const std::vector<KeptPosition>& positions) {
  std::string text(kTitle);
  text += '\n';
  for (const KeptPosition& position : positions) text += to_line(position);
  TRY(files.make_directories(path.parent_path()));
  return files.write(path, as_bytes(text));
}

}  // namespace quern::inputs
