// `type = "otlp"`: logs by OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp).
#include "base/text.hpp"

#include "inputs/makers.hpp"
#include "inputs/now.hpp"
#include "inputs/otlp_records.hpp"
#include "inputs/web_door.hpp"
#include "logs/msgpack.hpp"

#include <utility>

namespace quern::inputs {
namespace {

constexpr std::uint16_t kPort = 4318;
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProtobuf = "application/x-protobuf";
constexpr std::string_view kRejected = "records larger than 1 MiB are not taken";

// https://grpc.io/docs/guides/status-codes/
std::uint64_t grpc_code(std::uint16_t status) {
  switch (status) {
    case 400:
    case 415: return 3;
    case 401: return 16;
    case 404: return 5;
    case 405: return 12;
    case 413:
    case 429: return 8;
    default: return 14;
  }
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7fU) | 0x80U);
  out += static_cast<char>(value);
}

// {1: number, 2: text}: both a Status and an ExportLogsPartialSuccess.
std::string number_and_text(std::uint64_t number, std::string_view text) {
  std::string message("\x08");
  put_varint(message, number);
  message += '\x12';
  put_varint(message, text.size());
  return message.append(text);
}

std::string json_text(std::string_view text) {
  Buffer object;
  logs::msgpack::Writer(object).string(text);
  std::string json;
  (void)logs::msgpack::to_json(object, json);
  return json;
}

class OtlpTaker final : public WebTaker {
 public:
  OtlpTaker(std::string tag, Clock& clock, Bytes most)
      : tag_(std::move(tag)), clock_(clock), most_(most) {}

  std::uint16_t status_of(const http::RequestHead& head) const override {
    if (head.target.substr(0, head.target.find('?')) != "/v1/logs") return 404;
    return head.method == "POST" ? 0 : 405;
  }

  Result<WebAnswer> take(const WebRequest& request, WebRoom& room,
                         const Give& give) const override {
    const std::string type = media_type(request.head);
    OtlpRecords records(tag_, event_time(clock_), most_,
                        [&](std::uint64_t bytes) { return room.take(bytes); });
    if (type == kJson) {
      TRY(read_otlp_json(as_text(request.body), records));
    } else if (type == kProtobuf) {
      TRY(read_otlp_protobuf(request.body, records));
    } else {
      return fail(ErrorKind::unsupported,
                  "content-type must be " + std::string(kJson) + " or " + std::string(kProtobuf));
    }
    for (logs::Batch& batch : records.take()) TRY(give(std::move(batch)));
    return taken(type, records.rejected());
  }

  WebAnswer refusal(const http::RequestHead& head, std::uint16_t status,
                    std::string_view why) const override {
    const std::string text = printable(why, 500);
    if (media_type(head) == kProtobuf) {
      return {.status = status,
              .content_type = std::string(kProtobuf),
              .body = number_and_text(grpc_code(status), text)};
    }
    return {.status = status,
            .content_type = std::string(kJson),
            .body = "{\"code\":" + std::to_string(grpc_code(status)) +
                    ",\"message\":" + json_text(text) + "}\n"};
  }

 private:
  // An ExportLogsServiceResponse.
  static WebAnswer taken(const std::string& type, std::uint64_t rejected) {
    WebAnswer answer{.status = 200, .content_type = type, .body = {}};
    if (type == kJson) {
      answer.body = rejected == 0 ? "{}"
                                  : "{\"partialSuccess\":{\"rejectedLogRecords\":\"" +
                                        std::to_string(rejected) +
                                        "\",\"errorMessage\":" + json_text(kRejected) + "}}";
    } else if (rejected > 0) {
      const std::string partial = number_and_text(rejected, kRejected);
      answer.body = "\x0a";
      put_varint(answer.body, partial.size());
      answer.body += partial;
    }
    return answer;
  }

  const std::string tag_;
  Clock& clock_;
  const Bytes most_;  // of the records of a request
};

}  // namespace

MadeInput make_otlp(Settings& settings, const logs::StageWorld& world) {
  WebOptions options = TRY(read_web_options(settings, world, kPort));
  std::string tag = TRY(settings.text_or("tag", world.name));
  auto taker = std::make_unique<OtlpTaker>(std::move(tag), world.clock, options.max_unpacked);
  return std::make_unique<WebInput>(std::move(options), std::move(taker), "otlp_input");
}

}  // namespace quern::inputs
