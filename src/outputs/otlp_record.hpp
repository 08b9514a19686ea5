// A record as OTLP has it (https://opentelemetry.io/docs/specs/otel/logs/data-model/), and the two
// forms in which it goes over the wire. The line is the body, the other fields are attributes;
// severity and the ids of traces are where that model has them.
#pragma once

#include "base/result.hpp"

#include "logs/batch.hpp"
#include "logs/pairs.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::outputs {

// Views into an entry, which outlives it.
struct OtlpRecord {
  std::uint64_t time_ns = 0;  // since 1970
  unsigned severity_number = 0;
  std::optional<std::string_view> severity;
  std::optional<std::string_view> body;
  std::string_view tag;
  std::vector<logs::Pair> attributes;
  std::string_view trace_id, span_id;  // hex digits; empty: none
};

// `severity_key` empty: "severity", else "level". corrupt_data: the entry's record is no map.
Result<OtlpRecord> otlp_record(const logs::Entry& entry, std::string_view severity_key);

// One form of a request and its answer. Without a state.
class OtlpForm {
 public:
  virtual ~OtlpForm() = default;
  virtual std::string_view content_type() const = 0;
  // A LogRecord in the list of them. unsupported, corrupt_data: it cannot be; `out` is of no use
  // behind where it ended before.
  virtual Result<> append(const OtlpRecord& record, std::string& out) const = 0;
  // An ExportLogsServiceRequest around such a list.
  using Resource = std::vector<std::pair<std::string, std::string>>;
  virtual std::string request(const Resource& resource, std::string_view records) const = 0;
  // How many records an ExportLogsServiceResponse says were not taken; fewer than none are none. It
  // may say more than there were.
  virtual std::uint64_t rejected(std::string_view answer) const = 0;
};

std::unique_ptr<OtlpForm> make_otlp_json();
std::unique_ptr<OtlpForm> make_otlp_protobuf();

inline constexpr std::string_view kOtlpScope = "quern";
inline constexpr std::string_view kOtlpTag = "log.tag";  // the attribute with the tag

}  // namespace quern::outputs
