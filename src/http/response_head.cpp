#include "http/response_head.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace quern::http {
namespace {

struct Reason {
  std::uint16_t status;
  std::string_view phrase;
};

constexpr std::array kReasons{
    Reason{200, "OK"},
    Reason{201, "Created"},
    Reason{202, "Accepted"},
    Reason{204, "No Content"},
    Reason{206, "Partial Content"},
    Reason{301, "Moved Permanently"},
    Reason{302, "Found"},
    Reason{303, "See Other"},
    Reason{304, "Not Modified"},
    Reason{307, "Temporary Redirect"},
    Reason{308, "Permanent Redirect"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{406, "Not Acceptable"},
    Reason{408, "Request Timeout"},
    Reason{409, "Conflict"},
    Reason{410, "Gone"},
    Reason{411, "Length Required"},
    Reason{412, "Precondition Failed"},
    Reason{413, "Content Too Large"},
    Reason{414, "URI Too Long"},
    Reason{415, "Unsupported Media Type"},
    Reason{416, "Range Not Satisfiable"},
    Reason{417, "Expectation Failed"},
    Reason{422, "Unprocessable Content"},
    Reason{429, "Too Many Requests"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{502, "Bad Gateway"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
    Reason{505, "HTTP Version Not Supported"},
    Reason{507, "Insufficient Storage"},
};

bool is_name(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

// No control characters: a CR LF in a value would begin another field or another response.
bool is_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
  });
}

void append_number(std::string& out, std::uint64_t number, int base = 10) {
  std::array<char, 24> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, base).ptr;
  out.append(text.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

constexpr std::string_view kRequestId = "x-request-id";

// What the handler has sent itself.
struct Has {
  bool date = false;
  bool id = false;
};

enum class FieldUse : std::uint8_t { send, skip, wrong };

// Looks at one of the handler's fields; takes out what decides the framing.
FieldUse look_at(std::string_view name, std::string_view value, Framing& framing, Has& has) {
  if (!is_name(name) || !is_value(value)) return FieldUse::wrong;
  if (equal_ignoring_case(name, "connection")) {
    if (equal_ignoring_case(value, "close")) framing.keep_alive = false;
    return FieldUse::skip;
  }
  for (const auto hop : {"transfer-encoding", "keep-alive", "proxy-connection", "upgrade", "te"}) {
    if (equal_ignoring_case(name, hop)) return FieldUse::skip;
  }
  if (equal_ignoring_case(name, "content-length")) {
    auto length = parse_number<std::uint64_t>(value);
    if (!length.ok() || (framing.length && *framing.length != *length)) return FieldUse::wrong;
    framing.length = *length;
    return FieldUse::skip;
  }
  has.date = has.date || equal_ignoring_case(name, "date");
  has.id = has.id || equal_ignoring_case(name, kRequestId);
  return FieldUse::send;
}

void append_status_line(std::string& out, std::uint16_t status) {
  out.append("HTTP/1.1 ");
  append_number(out, status);
  out.append(" ").append(reason_phrase(status)).append("\r\n");
}

}  // namespace

std::string_view reason_phrase(std::uint16_t status) {
  const auto* const found = std::find_if(kReasons.begin(), kReasons.end(),
                                         [&](const Reason& r) { return r.status == status; });
  return found == kReasons.end() ? "Other" : found->phrase;
}

std::optional<Framing> append_head(std::string& out, std::uint16_t status, const Headers& headers,
                                   const ResponseContext& context) {
  if (status < 200 || status > 599) return std::nullopt;
  const std::size_t begin = out.size();
  Framing framing{.keep_alive = context.keep_alive};
  Has has;
  append_status_line(out, status);
  for (const auto& [name, value] : headers) {
    const FieldUse use = look_at(name, value, framing, has);
    if (use == FieldUse::wrong) {
      out.resize(begin);
      return std::nullopt;
    }
    if (use == FieldUse::send) append_field(out, name, value);
  }
  const bool bodiless = status == 204 || status == 304;
  framing.body_allowed = !bodiless && !context.is_head;
  if (framing.length && status != 204) {
    out.append("content-length: ");
    append_number(out, *framing.length);
    out.append("\r\n");
  } else if (!bodiless && context.http_1_1) {
    framing.chunked = true;
    out.append("transfer-encoding: chunked\r\n");
  } else if (!bodiless) {
    framing.keep_alive = false;  // HTTP/1.0: the end of the connection is the end of the body
  }
  if (!has.date) append_field(out, "date", context.date);
  if (!has.id && !context.id.empty()) append_field(out, kRequestId, context.id);
  if (!framing.keep_alive) {
    out.append("connection: close\r\n");
  } else if (!context.http_1_1) {
    out.append("connection: keep-alive\r\n");
  }
  out.append("\r\n");
  return framing;
}

std::string final_response(std::uint16_t status, std::string_view why,
                           const ResponseContext& context) {
  std::string out;
  append_status_line(out, status);
  append_field(out, "content-type", "text/plain; charset=utf-8");
  append_field(out, "content-length", std::to_string(why.size() + 1));
  append_field(out, "date", context.date);
  append_field(out, kRequestId, context.id);
  out.append("connection: close\r\n\r\n");
  if (!context.is_head) out.append(why).append("\n");
  return out;
}

void append_chunk(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;
  append_number(out, bytes.size(), 16);
  out.append("\r\n").append(bytes).append("\r\n");
}

}  // namespace quern::http
