#include "logs/parser.hpp"

#include "logs/json.hpp"
#include "logs/map_builder.hpp"
#include "logs/parsers.hpp"

#include <utility>

namespace quern::logs {
namespace {

class JsonParser final : public Parser {
 public:
  Result<Parsed> parse(std::string_view text, EventTime /*received*/) const override {
    Parsed parsed;
    parsed.record.reserve(text.size());
    TRY(from_json(text, parsed.record));
    if (!Pairs::of(parsed.record).ok())
      return fail(ErrorKind::corrupt_data, "the JSON is no object");
    return parsed;
  }
};

class SyslogParser final : public Parser {
 public:
  explicit SyslogParser(Zone zone) : zone_(zone) {}
  Result<Parsed> parse(std::string_view text, EventTime received) const override {
    return parse_syslog(text, received, zone_);
  }

 private:
  const Zone zone_;
};

using ParserPointer = std::shared_ptr<const Parser>;

Result<ParserPointer> inner_parser(Settings& settings, const std::string& type, Zone zone) {
  if (type == "json") return ParserPointer(std::make_shared<JsonParser>());
  if (type == "syslog") return ParserPointer(std::make_shared<SyslogParser>(zone));
  if (type == "logfmt") return ParserPointer(logfmt_parser());
  if (type == "ltsv") return ParserPointer(ltsv_parser());
  if (type == "cri") return ParserPointer(cri_parser());
  if (type == "docker") return ParserPointer(docker_parser());
  const std::string pattern = TRY(settings.text("pattern"));
  auto parser = regex_parser(pattern);
  if (!parser.ok()) return settings.wrong("pattern", parser.error().message());
  return ParserPointer(*parser);
}

Result<ParserPointer> read_parser(Settings& settings) {
  const std::string type =
      TRY(settings.one_of("type", {"json", "logfmt", "ltsv", "regex", "cri", "docker", "syslog"}));
  if (!settings.has("type")) return settings.wrong("type", "is missing");
  const auto zone = Zone::parse(TRY(settings.text_or("timezone", "UTC")));
  if (!zone.ok()) return settings.wrong("timezone", zone.error().message());
  ParserPointer inner = TRY(inner_parser(settings, type, *zone));
  std::optional<Finish> finish = TRY(Finish::read(settings, *zone));
  if (!finish) return inner;
  return ParserPointer(finishing_parser(std::move(inner), *std::move(finish)));
}

}  // namespace

Parsers::Parsers()
    : by_name_{{"json", std::make_shared<JsonParser>()},
               {"logfmt", logfmt_parser()},
               {"ltsv", ltsv_parser()},
               {"cri", cri_parser()},
               {"docker", docker_parser()},
               {"syslog", std::make_shared<SyslogParser>(Zone{})}} {}

Result<Parsers> Parsers::read(Settings& file) {
  Parsers parsers;
  for (Settings& table : TRY(file.tables("parser"))) {
    const std::string name = TRY(table.text("name"));
    table.call("[[parser]] " + name);
    if (parsers.by_name_.contains(name)) {
      Error error = table.wrong("name", "is taken: another parser has it").value();
      return fail(ErrorKind::already_exists, error.message());
    }
    parsers.by_name_.emplace(name, TRY(read_parser(table)));
    TRY(table.finish());
  }
  return parsers;
}

std::shared_ptr<const Parser> Parsers::find(std::string_view name) const {
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : at->second;
}

Result<std::shared_ptr<const Parser>> Parsers::chosen(Settings& settings,
                                                      std::string_view key) const {
  const std::string name = TRY(settings.text_or(key, ""));
  if (!settings.has(key)) return ParserPointer();
  if (ParserPointer parser = find(name)) return parser;
  std::string known;
  for (const auto& [other, parser] : by_name_) known += (known.empty() ? "" : ", ") + other;
  return settings.wrong(key, "there is no parser \"" + name + "\"; there are " + known);
}

}  // namespace quern::logs
