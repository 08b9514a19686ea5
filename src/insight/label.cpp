#include "insight/label.hpp"

#include "logs/msgpack.hpp"
#include "logs/record.hpp"

#include <span>

namespace quern::insight {
namespace {

using logs::msgpack::Writer;
using Told = LabelOptions::Told;

Result<Told> read_told(Settings& settings, std::string_view key) {
  return TRY(settings.flag_or(key, false)) ? Told::yes : Told::no;
}

}  // namespace

Result<LabelOptions> read_label_options(Settings& settings) {
  LabelOptions options;
  if (TRY(settings.one_of("into", {"metadata", "record"})) == "record") {
    options.place = LabelOptions::Place::record;
  }
  options.key = TRY(settings.text_or("key", "template"));
  if (options.key.empty()) return settings.wrong("key", "is empty");
  options.line = TRY(settings.text_or("line", ""));
  options.text = TRY(read_told(settings, "text"));
  options.parameters = TRY(read_told(settings, "parameters"));
  return options;
}

std::optional<std::string_view> line_in(ByteView record, const LabelOptions& options) {
  return options.line.empty() ? logs::line_of(record) : logs::text_field(record, options.line);
}

void write_label(const mining::Miner& miner, mining::TemplateId id, const LabelOptions& options,
                 Buffer& out) {
  Writer writer(out);
  writer.map(1U + (options.text == Told::yes ? 1U : 0U) +
             (options.parameters == Told::yes ? 1U : 0U));
  writer.string("id");
  writer.natural(id);
  if (options.text == Told::yes) {
    writer.string("text");
    writer.string(miner.at(id).text);
  }
  if (options.parameters == Told::yes) {
    const std::span<const std::string_view> parameters = miner.parameters();
    writer.string("parameters");
    writer.array(static_cast<std::uint32_t>(parameters.size()));
    for (const std::string_view parameter : parameters) writer.string(parameter);
  }
}

void add_labelled(logs::Batch& into, const logs::Entry& entry, ByteView metadata, ByteView label,
                  const LabelOptions& options) {
  const bool in_metadata = options.place == LabelOptions::Place::metadata;
  const Result<Buffer> with =
      logs::with_field(in_metadata ? metadata : entry.record, options.key, label);
  if (!with.ok()) {  // no map: it goes on as it is
    into.add(entry.tag, entry.time, entry.record, metadata);
  } else if (in_metadata) {
    into.add(entry.tag, entry.time, entry.record, *with);
  } else {
    into.add(entry.tag, entry.time, *with, metadata);
  }
}

}  // namespace quern::insight
