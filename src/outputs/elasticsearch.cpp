// The bulk API of Elasticsearch and OpenSearch. It answers for each document: what came too fast
// comes again, alone, what does not fit its index is dead, and the rest is there once.
#include "base/text.hpp"

#include "logs/msgpack.hpp"
#include "logs/record.hpp"
#include "outputs/bulk_answer.hpp"
#include "outputs/http_post.hpp"
#include "outputs/line_format.hpp"
#include "outputs/makers.hpp"

#include <atomic>
#include <functional>

namespace quern::outputs {
namespace {

using logs::Batch;
using logs::Entry;

void index_part(std::string_view value, std::string& out) {
  const std::size_t before = out.size();
  path_part(value, out);
  for (std::size_t at = before; at < out.size(); ++at) {
    if (out[at] >= 'A' && out[at] <= 'Z') out[at] = static_cast<char>(out[at] - 'A' + 'a');
  }
}

struct ElasticOptions {
  Template index;
  std::string action;
  std::string id_key;  // empty: the server makes ids
  JsonKeys keys;
};

class ElasticsearchOutput final : public logs::Output {
 public:
  ElasticsearchOutput(HttpPost post, ElasticOptions options)
      : post_(std::move(post)), options_(std::move(options)) {}

  Result<Batch> deliver(const Batch& batch, const std::stop_token& stop) override {
    begin(batch);
    TRY(send(batch, pending(), stop));
    if (const std::size_t left = pending().size(); left > 0) {
      return fail(ErrorKind::unavailable, std::to_string(left) + " of " +
                                              std::to_string(batch.size()) +
                                              " documents come again: " + why_again_);
    }
    batch_ = 0;
    return std::exchange(dead_, {});
  }

  std::vector<logs::Figure> figures() const override {
    return {{.name = "output_documents_again_total", .value = static_cast<double>(again_.load())}};
  }

 private:
  // A batch that comes again goes on where it was.
  void begin(const Batch& batch) {
    std::size_t id = batch.size();
    for (const Batch::Run& run : batch.runs())
      id = id * 31 + std::hash<std::string_view>()(as_text(run.entries));
    if (id == batch_ && over_.size() == batch.size()) return;
    batch_ = id;
    over_.assign(batch.size(), false);
    dead_ = {};
  }

  std::vector<std::size_t> pending() const {
    std::vector<std::size_t> all;
    for (std::size_t at = 0; at < over_.size(); ++at) {
      if (!over_[at]) all.push_back(at);
    }
    return all;
  }

  void bury(const Entry& entry, std::size_t at, std::string_view reason) {
    mark_dead(dead_, entry, post_.stage(), reason);
    over_[at] = true;
  }

  Result<> send(const Batch& batch, std::vector<std::size_t> places, const std::stop_token& stop) {
    std::string body;
    std::erase_if(places, [&](std::size_t at) { return !append(batch[at], at, body); });
    if (places.empty()) return {};
    const HttpPost::Answer answer = TRY(post_.post("application/x-ndjson", body, stop));
    if (answer.taken) return take(batch, places, answer);
    constexpr std::uint16_t kTooLarge = 413;
    if (answer.status == kTooLarge && places.size() > 1) {
      const auto half = places.begin() + static_cast<std::ptrdiff_t>(places.size() / 2);
      TRY(send(batch, {places.begin(), half}, stop));
      return send(batch, {half, places.end()}, stop);
    }
    for (const std::size_t at : places) bury(batch[at], at, refusal(answer));
    return {};
  }

  // False: it cannot be a document, and is dead.
  bool append(const Entry& entry, std::size_t at, std::string& body) {
    const std::size_t before = body.size();
    std::string index;
    options_.index.render(entry, index_part, index);
    body += "{\"" + options_.action + "\":{\"_index\":";
    logs::msgpack::json_text(index, body);
    const auto id =
        options_.id_key.empty() ? std::nullopt : logs::text_field(entry.record, options_.id_key);
    if (id) {
      body += ",\"_id\":";
      logs::msgpack::json_text(*id, body);
    }
    body += "}}\n";
    const Result<> written = append_json(entry, options_.keys, body);
    if (!written.ok()) {
      body.resize(before);
      bury(entry, at, written.error().describe());
      return false;
    }
    body.push_back('\n');
    return true;
  }

  Result<> take(const Batch& batch, const std::vector<std::size_t>& places,
                const HttpPost::Answer& answer) {
    const auto items = read_bulk_answer(answer.body);
    // Whether it took them nobody knows: again, rather than not at all.
    if (!items.ok()) return fail(ErrorKind::unavailable, items.error().describe());
    if (items->size() != places.size()) {
      return fail(ErrorKind::unavailable, "the answer tells of " + std::to_string(items->size()) +
                                              " documents, not of " +
                                              std::to_string(places.size()));
    }
    for (std::size_t n = 0; n < places.size(); ++n) judge(batch, places[n], (*items)[n]);
    return {};
  }

  void judge(const Batch& batch, std::size_t at, const BulkItem& item) {
    constexpr std::uint16_t kConflict = 409;
    // One with this id is there already: from the attempt of which no answer came.
    const bool there = item.status == kConflict && !options_.id_key.empty();
    if (item.status < 300 || there) {
      over_[at] = true;
    } else if (item.status == 429 || item.status >= 500) {
      ++again_;
      why_again_ = std::to_string(item.status) + " " + item.reason;
    } else {
      bury(batch[at], at, std::to_string(item.status) + " " + item.reason);
    }
  }

  HttpPost post_;
  const ElasticOptions options_;
  std::size_t batch_ = 0;  // which one, by its bytes
  std::vector<bool> over_;
  Batch dead_;
  std::string why_again_;
  std::atomic<std::uint64_t> again_{0};
};

}  // namespace

Made make_elasticsearch(Settings& settings, const logs::StageWorld& world) {
  HttpPost post = TRY(HttpPost::read(settings, world, "/_bulk"));
  if (const auto key = TRY(settings.secret("api_key"))) {
    Result<std::string> value = reveal(*key, world);
    if (!value.ok()) return settings.wrong("api_key", value.error().describe());
    post.add_header("Authorization", "ApiKey " + *value);
  }
  auto index = Template::parse(TRY(settings.text_or("index", "logs-{@time:%Y.%m.%d}")));
  if (!index.ok()) return settings.wrong("index", index.error().message());
  ElasticOptions options{.index = *std::move(index),
                         .action = TRY(settings.one_of("action", {"create", "index"})),
                         .id_key = TRY(settings.text_or("id_key", "")),
                         .keys = TRY(JsonKeys::read(settings, "@timestamp"))};
  return std::unique_ptr<logs::Output>(
      std::make_unique<ElasticsearchOutput>(std::move(post), std::move(options)));
}

}  // namespace quern::outputs
