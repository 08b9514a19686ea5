// A field's text becomes fields, by the first parser that it fits. Lines that a container's runtime
// cut are joined again.
#include "base/guarded.hpp"

#include "logs/filter_parts.hpp"
#include "logs/line_joiner.hpp"
#include "logs/record.hpp"

namespace quern::logs {
namespace {

struct ParseOptions {
  std::string key;  // empty: where the line is
  std::vector<std::shared_ptr<const Parser>> parsers;
  bool reserve_data = false;  // the record's other fields stay
  bool preserve_key = false;  // the field itself stays
  OnFault on_fault = OnFault::pass;
};

class ParseFilter final : public Filter {
 public:
  ParseFilter(const StageWorld& world, ParseOptions options, JoinLimits limits)
      : clock_(world.clock), name_(world.name), options_(std::move(options)), joiner_(limits) {}

  Filtered apply(Batch batch, const std::stop_token& /*stop*/) override {
    Filtered out;
    for (const Entry& entry : batch) one(entry, out);
    return out;
  }

  Filtered flush(Due due) override {
    Filtered out;
    auto joiner = joiner_.lock();
    joiner->flush(due, clock_.now(), out.kept);
    return out;
  }

  std::optional<Clock::Time> oldest_waiting() const override { return joiner_.lock()->oldest(); }

 private:
  void one(const Entry& entry, Filtered& out) {
    const std::string_view key = options_.key.empty() ? line_key(entry.record) : options_.key;
    const auto text = text_field(entry.record, key);
    if (!text) {
      take_fault(out, entry, options_.on_fault, name_, "there is no text to parse");
      return;
    }
    std::string why;
    for (const auto& parser : options_.parsers) {
      Result<Parsed> parsed = parser->parse(*text, entry.time);
      if (!parsed.ok()) {
        why += (why.empty() ? "" : "; ") + parsed.error().describe();
        continue;
      }
      const Result<Buffer> record = composed(entry, parsed->record, key, *text);
      if (!record.ok()) continue;
      if (record->size() + entry.metadata.size() > kLargestRecord.count) {
        take_fault(out, entry, options_.on_fault, name_, "it becomes larger than 1 MiB");
        return;
      }
      const Entry made{.tag = entry.tag,
                       .time = parsed->time.value_or(entry.time),
                       .metadata = entry.metadata,
                       .record = *record};
      return parsed->piece ? join(made, *parsed->piece, out) : out.kept.add(made);
    }
    take_fault(out, entry, options_.on_fault, name_, why);
  }

  Result<Buffer> composed(const Entry& entry, const Buffer& parsed, std::string_view key,
                          std::string_view text) const {
    if (!options_.reserve_data && !options_.preserve_key) return parsed;
    Buffer rest;
    if (!options_.reserve_data) {
      line_record(key, text, rest);
    } else if (options_.preserve_key) {
      rest.assign(entry.record.begin(), entry.record.end());
    } else {
      rest = TRY(without_field(entry.record, key));
    }
    return merged(rest, parsed);
  }

  void join(const Entry& entry, const Parsed::Piece& piece, Filtered& out) {
    std::string stream(entry.tag);
    stream += '\0' + piece.stream;
    auto joiner = joiner_.lock();
    LineJoiner::Group* const group = joiner->find(stream);
    if (group == nullptr && piece.last) return out.kept.add(entry);
    const std::string_view text = text_field(entry.record, piece.key).value_or("");
    const Clock::Time now = clock_.now();
    if (group == nullptr || !joiner->append(*group, "", text, now)) {
      joiner->end(stream, out.kept);
      joiner->begin(stream, entry, piece.key, text, now, out.kept);
    }
    if (piece.last) joiner->end(stream, out.kept);
  }

  Clock& clock_;
  const std::string name_;
  const ParseOptions options_;
  Guarded<LineJoiner> joiner_;
};

}  // namespace

MadeFilter make_parse(Settings& settings, const StageWorld& world, const Parsers& parsers) {
  ParseOptions options{.key = TRY(settings.text_or("key", ""))};
  for (const std::string& name : TRY(settings.texts("parser"))) {
    options.parsers.push_back(parsers.find(name));
    if (options.parsers.back() == nullptr)
      return settings.wrong("parser", "there is no parser \"" + name + "\"");
  }
  if (options.parsers.empty()) return settings.wrong("parser", "is missing");
  options.reserve_data = TRY(settings.flag_or("reserve_data", false));
  options.preserve_key = TRY(settings.flag_or("preserve_key", false));
  options.on_fault = TRY(read_on_fault(settings));
  JoinLimits limits{.lines = 100'000};
  limits.bytes = TRY(settings.bytes_or("join_bytes", limits.bytes));
  limits.timeout = TRY(settings.duration_or("join_timeout", limits.timeout));
  if (limits.bytes > Bytes{kLargestRecord.count / 2})
    return settings.wrong("join_bytes", "is above 512 KiB");
  return std::unique_ptr<Filter>(std::make_unique<ParseFilter>(world, std::move(options), limits));
}

}  // namespace quern::logs
