// Loki's push API (https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs).
// Labels make streams, and streams are what Loki pays for: there are only so many.
#include "logs/msgpack.hpp"
#include "logs/pairs.hpp"
#include "logs/record.hpp"
#include "outputs/http_post.hpp"
#include "outputs/line_format.hpp"
#include "outputs/makers.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <unordered_map>

namespace quern::outputs {
namespace {

using logs::Batch;
using logs::Entry;

constexpr std::size_t kLongestLabel = 128;
constexpr std::string_view kOther = "other";
constexpr std::chrono::hours kForgetAfter{1};

struct LokiOptions {
  std::vector<std::pair<std::string, Template>> labels;
  bool whole_record = true;  // the line is the record as JSON; else its own line
  std::vector<std::string> metadata;
  std::size_t max_streams = 0;
  JsonKeys keys;
};

bool is_label(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
  };
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::all_of(name.begin(), name.end(), plain);
}

void as_is(std::string_view value, std::string& out) { out += value; }

class LokiOutput final : public logs::Output {
 public:
  LokiOutput(HttpPost post, Clock& clock, LokiOptions options)
      : post_(std::move(post)), clock_(clock), options_(std::move(options)) {}

  Result<Batch> deliver(const Batch& batch, const std::stop_token& stop) override {
    return post_.deliver(
        batch, "application/json",
        [&](std::span<const Entry> entries, Batch& dead) { return body(entries, dead); }, stop);
  }

  std::vector<logs::Figure> figures() const override {
    return {
        {.name = "output_loki_streams", .value = static_cast<double>(streams_.load())},
        {.name = "output_loki_relabelled_total", .value = static_cast<double>(relabelled_.load())}};
  }

 private:
  struct Line {
    logs::EventTime time;
    std::string json;  // ["time","line"]
  };

  std::string body(std::span<const Entry> entries, Batch& dead) {
    std::map<std::string, std::vector<Line>> streams;
    for (const Entry& entry : entries) {
      std::string json;
      const Result<> written = append_line(entry, json);
      if (written.ok()) {
        streams[stream_of(entry)].push_back({.time = entry.time, .json = std::move(json)});
      } else {
        mark_dead(dead, entry, post_.stage(), written.error().describe());
      }
    }
    if (streams.empty()) return {};
    std::string text = "{\"streams\":[";
    for (auto& [labels, lines] : streams) {
      // Loki refuses what is behind its stream's last.
      std::stable_sort(lines.begin(), lines.end(),
                       [](const Line& a, const Line& b) { return a.time < b.time; });
      text += "{\"stream\":" + labels + ",\"values\":[";
      for (const Line& line : lines) text += line.json + ",";
      text.back() = ']';
      text += "},";
    }
    text.back() = ']';
    return text + "}";
  }

  Result<> append_line(const Entry& entry, std::string& out) const {
    out = "[\"" +
          std::to_string(std::uint64_t{entry.time.seconds} * 1'000'000'000U +
                         entry.time.nanoseconds) +
          "\",";
    const auto own = options_.whole_record ? std::nullopt : logs::line_of(entry.record);
    std::string json;
    if (!own) TRY(append_json(entry, options_.keys, json));
    logs::msgpack::json_text(own ? *own : std::string_view(json), out);
    append_metadata(entry, out);
    out.push_back(']');
    return {};
  }

  void append_metadata(const Entry& entry, std::string& out) const {
    std::string pairs;
    for (const std::string& name : options_.metadata) {
      const auto value = logs::field(entry.record, name);
      std::string json;
      const auto text = value ? logs::text_of(*value) : std::nullopt;
      if (!value || (!text && !logs::msgpack::to_json(*value, json).ok())) continue;
      pairs += pairs.empty() ? ",{" : ",";
      logs::msgpack::json_text(name, pairs);
      pairs.push_back(':');
      logs::msgpack::json_text(text ? *text : std::string_view(json), pairs);
    }
    if (!pairs.empty()) out += pairs + "}";
  }

  // Its labels as JSON.
  std::string stream_of(const Entry& entry) {
    std::string labels = labels_of(entry, Values::own);
    const Clock::Time now = clock_.now();
    if (const auto known = seen_.find(labels); known != seen_.end()) {
      known->second = now;
      return labels;
    }
    if (seen_.size() >= options_.max_streams)
      std::erase_if(seen_, [&](const auto& seen) { return now - seen.second > kForgetAfter; });
    if (seen_.size() < options_.max_streams) {
      seen_.emplace(labels, now);
      streams_ = seen_.size();
      return labels;
    }
    ++relabelled_;
    return labels_of(entry, Values::other);
  }

  enum class Values : std::uint8_t { own, other };
  std::string labels_of(const Entry& entry, Values values) const {
    std::string json = "{";
    for (const auto& [name, text] : options_.labels) {
      std::string value;
      if (values == Values::own || text.is_constant()) {
        text.render(entry, as_is, value);
      } else {
        value = kOther;
      }
      if (value.empty()) continue;
      if (json.size() > 1) json.push_back(',');
      logs::msgpack::json_text(name, json);
      json.push_back(':');
      logs::msgpack::json_text(std::string_view(value).substr(0, kLongestLabel), json);
    }
    return json + "}";
  }

  HttpPost post_;
  Clock& clock_;
  const LokiOptions options_;
  std::unordered_map<std::string, Clock::Time> seen_;
  std::atomic<std::size_t> streams_{0};  // that there are in seen_
  std::atomic<std::uint64_t> relabelled_{0};
};

}  // namespace

Made make_loki(Settings& settings, const logs::StageWorld& world) {
  HttpPost post = TRY(HttpPost::read(settings, world, "/loki/api/v1/push"));
  if (const std::string tenant = TRY(settings.text_or("tenant_id", "")); !tenant.empty())
    post.add_header("X-Scope-OrgID", tenant);
  LokiOptions options;
  for (const auto& [name, text] : TRY(settings.pairs("labels"))) {
    if (!is_label(name)) return settings.wrong("labels", "\"" + name + "\" cannot be a label");
    auto value = Template::parse(text);
    if (!value.ok()) return settings.wrong("labels", name + ": " + value.error().message());
    options.labels.emplace_back(name, *std::move(value));
  }
  if (options.labels.empty()) options.labels.emplace_back("job", *Template::parse("quern"));
  const bool constant = std::any_of(options.labels.begin(), options.labels.end(),
                                    [](const auto& label) { return label.second.is_constant(); });
  if (!constant)
    return settings.wrong("labels", R"(one must be the same always, as in job = "quern": a record )"
                                    "may have none of the others");
  options.whole_record = TRY(settings.one_of("line", {"json", "text"})) == "json";
  options.metadata = TRY(settings.texts("structured_metadata"));
  options.max_streams = TRY(settings.number_or("max_streams", 100, {1, 100'000}));
  options.keys = TRY(JsonKeys::read(settings, ""));
  return std::unique_ptr<logs::Output>(
      std::make_unique<LokiOutput>(std::move(post), world.clock, std::move(options)));
}

}  // namespace quern::outputs
