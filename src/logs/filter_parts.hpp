// What the filters of this room share. Of this room alone.
#pragma once

#include "base/settings.hpp"

#include "logs/on_fault.hpp"
#include "logs/parser.hpp"
#include "logs/stage.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::logs {

using MadeFilter = Result<std::unique_ptr<Filter>>;

MadeFilter make_parse(Settings& settings, const StageWorld& world, const Parsers& parsers);
MadeFilter make_multiline(Settings& settings, const StageWorld& world);
MadeFilter make_grep(Settings& settings, const StageWorld& world);
MadeFilter make_modify(Settings& settings, const StageWorld& world);
MadeFilter make_throttle(Settings& settings, const StageWorld& world);
MadeFilter make_dedupe(Settings& settings, const StageWorld& world);
MadeFilter make_sample(Settings& settings, const StageWorld& world);
MadeFilter make_rewrite_tag(Settings& settings, const StageWorld& world);
MadeFilter make_mask(Settings& settings, const StageWorld& world);

// A field by its name or path, "@tag" or "@line".
class FieldName {
 public:
  explicit FieldName(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }
  // As text; JSON where it is none, written to `held`. Nothing: there is none.
  std::optional<std::string_view> read(const Entry& entry, std::string& held) const;

 private:
  std::string name_;
};

// What several fields say together, as one text; the same for the same only.
std::string together(const std::vector<FieldName>& fields, const Entry& entry);
// The names under `key`; absent: `fallback`.
Result<std::vector<FieldName>> read_fields(Settings& settings, std::string_view key,
                                           std::vector<std::string> fallback);

// The batch without the records that `keep` does not want, which are counted. Untouched, and not
// copied, where it wants all.
template <class Keep>
Filtered only(Batch batch, Keep keep) {
  std::vector<bool> wanted(batch.size());
  std::size_t count = 0;
  for (std::size_t at = 0; at < batch.size(); ++at) {
    wanted[at] = keep(batch[at]);
    count += wanted[at] ? 1 : 0;
  }
  Filtered out;
  out.dropped = batch.size() - count;
  if (out.dropped == 0) {
    out.kept = std::move(batch);
    return out;
  }
  for (std::size_t at = 0; at < batch.size(); ++at) {
    if (wanted[at]) out.kept.add(batch[at]);
  }
  return out;
}

}  // namespace quern::logs
