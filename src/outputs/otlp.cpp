// Logs over OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp), as protobuf or JSON.
#include "outputs/http_post.hpp"
#include "outputs/makers.hpp"
#include "outputs/otlp_record.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace quern::outputs {
namespace {

using logs::Batch;
using logs::Entry;

struct OtlpOptions {
  std::unique_ptr<OtlpForm> form;
  OtlpForm::Resource resource;
  std::string severity_key;  // empty: "severity" or "level"
};

class OtlpOutput final : public logs::Output {
 public:
  OtlpOutput(HttpPost post, OtlpOptions options)
      : post_(std::move(post)), options_(std::move(options)) {
    post_.watch([this](std::string_view answer, std::uint64_t sent) {
      rejected_ += std::min(options_.form->rejected(answer), sent);
    });
  }

  Result<Batch> deliver(const Batch& batch, const std::stop_token& stop) override {
    return post_.deliver(
        batch, options_.form->content_type(),
        [&](std::span<const Entry> entries, Batch& dead) { return body(entries, dead); }, stop);
  }

  // Which ones the collector does not say, and it may not be asked again.
  std::vector<logs::Figure> figures() const override {
    return {{.name = "output_otlp_rejected_total", .value = static_cast<double>(rejected_.load())}};
  }

 private:
  std::string body(std::span<const Entry> entries, Batch& dead) const {
    std::string records;
    for (const Entry& entry : entries) {
      const std::size_t before = records.size();
      if (const Result<> written = append(entry, records); !written.ok()) {
        records.resize(before);
        mark_dead(dead, entry, post_.stage(), written.error().describe());
      }
    }
    return records.empty() ? records : options_.form->request(options_.resource, records);
  }

  Result<> append(const Entry& entry, std::string& records) const {
    return options_.form->append(TRY(otlp_record(entry, options_.severity_key)), records);
  }

  HttpPost post_;
  const OtlpOptions options_;
  std::atomic<std::uint64_t> rejected_{0};
};

}  // namespace

Made make_otlp(Settings& settings, const logs::StageWorld& world) {
  HttpPost post = TRY(HttpPost::read(settings, world, "/v1/logs"));
  OtlpOptions options;
  const bool json = TRY(settings.one_of("encoding", {"protobuf", "json"})) == "json";
  options.form = json ? make_otlp_json() : make_otlp_protobuf();
  options.resource = TRY(settings.pairs("resource"));
  options.severity_key = TRY(settings.text_or("severity_key", ""));
  if (options.resource.empty()) options.resource.emplace_back("service.name", "quern");
  return std::unique_ptr<logs::Output>(
      std::make_unique<OtlpOutput>(std::move(post), std::move(options)));
}

}  // namespace quern::outputs
