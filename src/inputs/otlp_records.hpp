// Records of logs as OpenTelemetry has them
// (https://opentelemetry.io/docs/specs/otel/logs/data-model/), made into ours. Two forms are read:
// JSON and protobuf.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include "logs/batch.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::inputs {

// Pairs of msgpack, and how many.
struct OtlpMap {
  Buffer pairs;
  std::uint32_t count = 0;

  void text(std::string_view key, std::string_view value);
  void natural(std::string_view key, std::uint64_t value);
  // `value` is one msgpack object.
  void object(std::string_view key, ByteView value);
  void map(std::string_view key, const OtlpMap& value);
};

struct OtlpLog {
  std::uint64_t time_ns = 0;      // since 1970; 0: not known
  std::uint64_t observed_ns = 0;  // likewise
  std::uint64_t severity_number = 0;
  std::string severity_text;
  Buffer body;  // one msgpack object; empty: none
  OtlpMap attributes;
  std::string trace_id, span_id;  // hex
  std::uint64_t flags = 0;
  std::string event_name;
};

struct OtlpScope {
  std::string name, version;
  OtlpMap attributes;
};

// Gathers records: {body, severity, severity_number, attributes, resource, scope {name, version,
// attributes}, trace_id, span_id, flags, event_name}; what is absent is left out.
class OtlpRecords {
 public:
  // What is shared by many is in each of them: a small request can make much. No more than `most`,
  // and before any is made `may_take` is asked for its bytes.
  using MayTake = std::function<Result<>(std::uint64_t bytes)>;
  OtlpRecords(std::string tag, logs::EventTime now, Bytes most = 32_MiB, MayTake may_take = {})
      : tag_(std::move(tag)), now_(now), left_(most.count), may_take_(std::move(may_take)) {}

  // resource_exhausted: the records of this request are too much together; errors of `may_take`.
  Result<> add(const OtlpMap& resource, const OtlpScope& scope, const OtlpLog& log);
  std::vector<logs::Batch> take();
  std::uint64_t rejected() const { return rejected_; }  // larger than a record may be

 private:
  std::string tag_;
  logs::EventTime now_;
  std::uint64_t left_;
  MayTake may_take_;
  logs::Batch batch_;
  std::vector<logs::Batch> full_;
  std::uint64_t rejected_ = 0;
};

// An ExportLogsServiceRequest. corrupt_data: it is none; resource_exhausted: of
// OtlpRecords::add. Nothing but whole requests is to be taken:
// after an error `records` is of no use.
Result<> read_otlp_json(std::string_view json, OtlpRecords& records);
Result<> read_otlp_protobuf(ByteView message, OtlpRecords& records);

// Values within values: no deeper.
inline constexpr int kOtlpDeepest = 32;

}  // namespace quern::inputs
