// Values of msgpack maps, and maps out of files of JSON.
#pragma once

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace quern::insight {

std::optional<double> number_field(ByteView map, std::string_view key);
std::optional<std::uint64_t> natural_field(ByteView map, std::string_view key);
std::optional<bool> flag_field(ByteView map, std::string_view key);
std::string text_or_empty(ByteView map, std::string_view key);

// Appends `map` as JSON and a line end.
void add_json_line(ByteView map, std::string& out);
// Each line of a file of JSON lines as a map; an absent file has none. `each` may refuse one:
// corrupt_data, with the file and line.
Result<> read_json_lines(Files& files, const std::filesystem::path& file,
                         const std::function<Result<>(ByteView map)>& each);

}  // namespace quern::insight
