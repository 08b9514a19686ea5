// What a record is told about its template: {"id": 7, "text": "...", "parameters": ["...", ...]}.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/settings.hpp"

#include "logs/batch.hpp"
#include "mining/mining.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace quern::insight {

struct LabelOptions {
  enum class Place : std::uint8_t { metadata, record };
  Place place = Place::metadata;
  std::string key = "template";  // under which it stands
  std::string line;              // the key of the line; empty: logs::line_of()
  enum class Told : std::uint8_t { no, yes };
  Told text = Told::no;
  Told parameters = Told::no;
};
// Keys: into, key, line, text, parameters.
Result<LabelOptions> read_label_options(Settings& settings);

// The line of a record; nothing for a record without one.
std::optional<std::string_view> line_in(ByteView record, const LabelOptions& options);

// Appends the label of the line that `miner` learned last.
void write_label(const mining::Miner& miner, mining::TemplateId id, const LabelOptions& options,
                 Buffer& out);

// The entry with its label goes to `into`; `metadata` is the entry's own, or more.
void add_labelled(logs::Batch& into, const logs::Entry& entry, ByteView metadata, ByteView label,
                  const LabelOptions& options);

}  // namespace quern::insight
