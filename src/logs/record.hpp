// A record is a msgpack map, in most cases with strings as its keys. Looked up and changed in
// place, without a tree.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::logs {

// One whole msgpack map, or at least the beginning of one?
bool is_map(ByteView object);

// The value under `key`, or under "a.b" that of b in the map under a, where no key is "a.b" itself.
// Nothing: there is none, or the record is no map. The first of several.
std::optional<ByteView> field(ByteView record, std::string_view key);
// Where it is a string (or binary).
std::optional<std::string_view> text_field(ByteView record, std::string_view key);

// The pairs of a map whose keys are texts, in order. corrupt_data: it is no map.
Result<std::vector<std::pair<std::string_view, ByteView>>> fields(ByteView record);

// The line that a record is about: the text under "log", "message", "msg", "MESSAGE" or "body",
// the first there is; else its first text.
std::optional<std::string_view> line_of(ByteView record);

// The record with `value` (one msgpack object) under `key`, in the place of what was there or at
// the end. corrupt_data: it is no map.
Result<Buffer> with_field(ByteView record, std::string_view key, ByteView value);
Result<Buffer> with_text(ByteView record, std::string_view key, std::string_view value);
// Without it; the same when it is not there.
Result<Buffer> without_field(ByteView record, std::string_view key);
// The record with the pairs of `more`, which win.
Result<Buffer> merged(ByteView record, ByteView more);

// Under which of these names it is; none for a line under another.
std::string_view line_key(ByteView record);

// {key: line}
void line_record(std::string_view key, std::string_view line, Buffer& into);

}  // namespace quern::logs
