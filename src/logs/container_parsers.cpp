// What runtimes of containers write for each line of a container: CRI's logging format
// (https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md)
// and Docker's json-file. Both cut long lines into pieces.
#include "logs/json.hpp"
#include "logs/map_builder.hpp"
#include "logs/parsers.hpp"
#include "logs/record.hpp"

namespace quern::logs {
namespace {

constexpr std::string_view kCriKey = "message";
constexpr std::string_view kDockerKey = "log";

Failure no_cri() {
  return fail(ErrorKind::corrupt_data, "no CRI line: TIME stdout|stderr F|P TEXT");
}

class CriParser final : public Parser {
 public:
  Result<Parsed> parse(std::string_view text, EventTime received) const override {
    Parsed parsed;
    parsed.time = TRY(read_iso8601(text, received, {}));
    const bool out = text.starts_with(" stdout ");
    if (!out && !text.starts_with(" stderr ")) return no_cri();
    const std::string_view stream = text.substr(1, 6);
    text.remove_prefix(8);
    // "P" or "F", and perhaps more tags behind a colon.
    const bool piece = text.starts_with('P');
    const std::size_t blank = text.find(' ');
    if (!piece && !text.starts_with('F')) return no_cri();
    if (text.size() > 1 && text[1] != ' ' && text[1] != ':') return no_cri();
    text = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
    MapBuilder record;
    record.text("stream", stream);
    record.text(kCriKey, text);
    parsed.record = record.finish();
    parsed.piece = {.stream = std::string(stream), .key = std::string(kCriKey), .last = !piece};
    return parsed;
  }
};

class DockerParser final : public Parser {
 public:
  Result<Parsed> parse(std::string_view text, EventTime received) const override {
    Buffer all;
    TRY(from_json(text, all));
    const auto line = text_field(all, kDockerKey);
    if (!line) return fail(ErrorKind::corrupt_data, "no line of Docker: there is no \"log\"");
    Parsed parsed;
    if (const auto time = text_field(all, "time")) {
      std::string_view rest = *time;
      const auto read = read_iso8601(rest, received, {});
      if (read.ok() && rest.empty()) parsed.time = *read;
    }
    const bool whole = line->ends_with('\n');
    MapBuilder record;
    record.reserve(all.size());
    Pairs pairs = TRY(Pairs::of(all));
    while (const std::optional<Pair> pair = TRY(pairs.next())) {
      if (pair->key == kDockerKey) {
        record.text(kDockerKey, line->substr(0, line->size() - (whole ? 1 : 0)));
      } else if (pair->key != "time" || !parsed.time) {
        record.pair(pair->key_bytes, pair->value);
      }
    }
    parsed.record = record.finish();
    parsed.piece = {.stream = std::string(text_field(all, "stream").value_or("")),
                    .key = std::string(kDockerKey),
                    .last = whole};
    return parsed;
  }
};

}  // namespace

std::shared_ptr<const Parser> cri_parser() { return std::make_shared<CriParser>(); }
std::shared_ptr<const Parser> docker_parser() { return std::make_shared<DockerParser>(); }

}  // namespace quern::logs
