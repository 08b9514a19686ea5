// Requests as RFC 9112 writes them (https://www.rfc-editor.org/rfc/rfc9112), read strictly.
//
// Beast's basic_parser knows the grammar; it hands us method, target and fields, which go straight
// into a RequestHead. Before it sees a head, HeadScan has walked over its lines, because two
// servers that disagree about where a line ends is how requests are smuggled: a line ends with
// CRLF and nothing else, and a field is one line. What Beast accepts and we refuse:
//   - folded fields (a line that begins with a blank), bare CR and bare LF            400
//   - several Content-Length fields or a list in one, even when they agree            400
//   - any Transfer-Encoding but exactly one "chunked"; in HTTP/1.0 any at all    501, 400
//   - HTTP/1.1 without Host, two Hosts, a Host with characters that cannot be in one  400
//   - targets that are neither a path nor an http URL nor the * of OPTIONS            400
//   - chunk extensions longer than 256 bytes; trailers are read, bounded and dropped  400
#include "http/request_parser.hpp"

#include "base/text.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <optional>

namespace quern::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;

constexpr std::size_t kMaxTarget = 8 * 1024;     // what browsers and proxies agree to carry
constexpr std::size_t kMaxFields = 128;          // far more than any client sends
constexpr std::size_t kMaxChunkExtension = 256;  // nobody uses them; some use them to waste time
constexpr std::size_t kMaxBlankLines = 2;        // before a request (RFC 9112, 2.2)

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~:[]%!$&'()*+;=").find(c) != std::string_view::npos;
}

// Walks over the lines of a head as they arrive; never looks at a byte twice.
class HeadScan {
 public:
  // The place behind the head's last byte, or 0: not here yet, or refused.
  std::size_t find_end(std::string_view input, std::size_t limit, Refusal& refusal) {
    const std::size_t end = walk(input, refusal);
    if (refusal.status != 0) return 0;
    const std::size_t size = (end == 0 ? input.size() : end) - begin_;
    const std::size_t target_limit = std::min(kMaxTarget, limit);
    if (lines_ == 0 && input.size() - line_ > target_limit) {
      refusal = {414, "the request line is too long"};
    } else if (size > limit) {
      refusal = {431, "the header is too large"};
    }
    return refusal.status == 0 ? end : 0;
  }
  // Where the request line begins.
  std::size_t begin() const { return begin_; }

 private:
  std::size_t walk(std::string_view input, Refusal& refusal) {
    for (;;) {
      if (lines_ == 0 && line_ < input.size() && !is_token_char(input[line_]) &&
          input[line_] != '\r') {
        refusal = {400, "this is not an HTTP request"};
        return 0;
      }
      const std::size_t newline = input.find('\n', scanned_);
      if (newline == std::string_view::npos) {
        scanned_ = input.size();
        return 0;
      }
      const std::string_view line = input.substr(line_, newline - line_);
      line_ = scanned_ = newline + 1;
      if (!check_line(line, refusal)) return 0;
      if (line.size() > 1) {
        ++lines_;
      } else if (lines_ > 0) {
        return line_;
      } else {
        begin_ = line_;
      }
    }
  }

  bool check_line(std::string_view line, Refusal& refusal) {
    if (line.empty() || line.find('\r') != line.size() - 1) {
      refusal = {400, "a line of the header does not end with CR LF"};
    } else if (line.size() == 1 && lines_ == 0 && ++blank_lines_ > kMaxBlankLines) {
      refusal = {400, "blank lines where a request should be"};
    } else if (lines_ == 0 && line.size() > kMaxTarget) {
      refusal = {414, "the request line is too long"};
    } else if (lines_ > 0 && (line[0] == ' ' || line[0] == '\t')) {
      refusal = {400, "a folded header field"};
    } else if (lines_ > kMaxFields) {
      refusal = {431, "too many header fields"};
    }
    return refusal.status == 0;
  }

  std::size_t begin_ = 0;
  std::size_t line_ = 0;
  std::size_t scanned_ = 0;
  std::size_t lines_ = 0;
  std::size_t blank_lines_ = 0;
};

// What must be remembered of fields while they arrive.
struct Fields {
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  bool odd_length = false;
  bool odd_coding = false;
  bool expects_continue = false;
  bool odd_expectation = false;
};

class Parser final : public beast::http::basic_parser<true> {
 public:
  RequestHead head;
  Fields fields;
  bool http_1_1 = false;
  bool is_head_method = false;
  Buffer* out = nullptr;  // where body bytes go during read_body
  std::size_t room = 0;

 private:
  using Verb = beast::http::verb;
  using Field = beast::http::field;
  using Text = beast::string_view;

  void on_request_impl(Verb, Text method, Text target, int version, error_code&) override {
    http_1_1 = version == 11;
    is_head_method = method == "HEAD";
    head.method.assign(method.data(), method.size());
    head.target.assign(target.data(), target.size());
    head.headers.reserve(12);
  }
  void on_response_impl(int, Text, int, error_code&) override {}

  void on_field_impl(Field field, Text name, Text value, error_code&) override {
    if (is_header_done()) return;  // a trailer
    auto& [kept_name, kept_value] = head.headers.emplace_back();
    kept_name.resize(name.size());
    std::transform(name.begin(), name.end(), kept_name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    kept_value.assign(value.data(), value.size());
    note(field, kept_value);
  }

  void note(Field field, std::string_view value) {
    if (field == Field::host) {
      ++fields.hosts;
      head.authority = value;
    } else if (field == Field::content_length) {
      ++fields.lengths;
      fields.odd_length = fields.odd_length || value.find(',') != std::string_view::npos;
    } else if (field == Field::transfer_encoding) {
      ++fields.codings;
      fields.odd_coding = fields.odd_coding || !equal_ignoring_case(value, "chunked");
    } else if (field == Field::expect) {
      fields.expects_continue = equal_ignoring_case(value, "100-continue");
      fields.odd_expectation = !fields.expects_continue;
    }
  }

  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text body, error_code&) override { return take(body); }
  void on_chunk_header_impl(std::uint64_t, Text extension, error_code& ec) override {
    if (extension.size() > kMaxChunkExtension) ec = beast::http::error::bad_chunk_extension;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code&) override {
    return take(body);
  }
  void on_finish_impl(error_code&) override {}

  std::size_t take(Text body) {
    const std::size_t n = std::min(body.size(), room);
    const ByteView bytes = as_bytes({body.data(), n});
    out->insert(out->end(), bytes.begin(), bytes.end());
    room -= n;
    return n;
  }
};

Refusal refusal_of(error_code ec) {
  using E = beast::http::error;
  if (ec == E::header_limit) return {431, "the header is too large"};
  if (ec == E::body_limit) return {413, "the body is too large"};
  if (ec == E::bad_method) return {400, "a method that is not a token"};
  if (ec == E::bad_target) return {400, "a target with characters that may not be in one"};
  if (ec == E::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (ec == E::bad_field) return {400, "a malformed header field"};
  if (ec == E::bad_value) return {400, "a malformed header value"};
  if (ec == E::bad_content_length || ec == E::multiple_content_length) {
    return {400, "a malformed, repeated or contradicted Content-Length"};
  }
  if (ec == E::bad_transfer_encoding) return {400, "a contradicted Transfer-Encoding"};
  if (ec == E::bad_chunk || ec == E::bad_chunk_extension) return {400, "a malformed chunk"};
  return {400, "not a well-formed HTTP request"};
}

// Does the request line end with an HTTP version, only not with one of ours?
bool has_other_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find('\r'));
  if (line.size() < 9) return false;
  const std::string_view version = line.substr(line.size() - 9);
  return version.starts_with(" HTTP/") && version[7] == '.' && version[6] >= '0' &&
         version[6] <= '9' && version[8] >= '0' && version[8] <= '9';
}

// "http://host:port/path?query" of a request to a proxy becomes path and authority.
bool split_absolute(RequestHead& head) {
  const std::size_t scheme = head.target.find("://");
  if (scheme == std::string::npos) return false;
  const std::string_view name = std::string_view(head.target).substr(0, scheme);
  if (!equal_ignoring_case(name, "http") && !equal_ignoring_case(name, "https")) return false;
  const std::size_t begin = scheme + 3;
  const std::size_t path = std::min(head.target.find_first_of("/?#", begin), head.target.size());
  head.authority = head.target.substr(begin, path - begin);
  const std::string rest = head.target.substr(path);
  head.target = rest.starts_with('/') ? rest : "/" + rest;
  return true;
}

Refusal check_target(RequestHead& head) {
  if (head.method == "CONNECT") return {501, "CONNECT is not offered here"};
  if (head.target.starts_with('/')) return {};
  if (head.target == "*" && head.method == "OPTIONS") return {};
  if (split_absolute(head)) return {};
  return {400, "a target that is neither a path nor an http URL"};
}

Refusal check_head(Parser& parser) {
  const Fields& fields = parser.fields;
  const bool http_1_1 = parser.http_1_1;
  if (fields.lengths > 1 || fields.odd_length) return {400, "more than one Content-Length"};
  if (fields.codings > 0 && !http_1_1) return {400, "Transfer-Encoding in HTTP/1.0"};
  if (fields.codings > 1) return {400, "more than one Transfer-Encoding"};
  if (fields.odd_coding) return {501, "the only transfer coding known here is chunked"};
  if (fields.hosts > 1) return {400, "more than one Host"};
  if (fields.hosts == 0 && http_1_1) return {400, "HTTP/1.1 without Host"};
  if (fields.odd_expectation) return {417, "the only expectation known here is 100-continue"};
  const Refusal target = check_target(parser.head);
  if (target.status != 0) return target;
  const std::string& authority = parser.head.authority;
  if (!std::all_of(authority.begin(), authority.end(), is_host_char)) {
    return {400, "a malformed Host"};
  }
  return {};
}

}  // namespace

struct RequestParser::Impl {
  explicit Impl(Limits given) : limits(given) {}

  void refuse(Refusal why) {
    refusal = why;
    state = State::refused;
  }
  void start() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(limits.header + 1));
    parser->body_limit(limits.body);
  }

  Limits limits;
  HeadScan scan;
  std::optional<Parser> parser;
  State state = State::head;
  Refusal refusal;
};

RequestParser::RequestParser(Limits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;

RequestParser::State RequestParser::state() const { return impl_->state; }
const Refusal& RequestParser::refusal() const { return impl_->refusal; }

std::size_t RequestParser::read_head(std::string_view input) {
  Impl& impl = *impl_;
  Refusal refusal;
  const std::size_t end = impl.scan.find_end(input, impl.limits.header, refusal);
  if (refusal.status != 0) impl.refuse(refusal);
  if (end == 0) return 0;
  impl.start();
  const std::string_view head = input.substr(impl.scan.begin(), end - impl.scan.begin());
  error_code ec;
  const std::size_t used = impl.parser->put({head.data(), head.size()}, ec);
  if (ec == beast::http::error::bad_version && !has_other_version(head)) {
    impl.refuse({400, "a malformed request line"});
    return 0;
  }
  if (ec) {
    impl.refuse(refusal_of(ec));
    return 0;
  }
  if (used != head.size() || !impl.parser->is_header_done()) {
    impl.refuse({400, "not a well-formed HTTP request"});
    return 0;
  }
  refusal = check_head(*impl.parser);
  if (refusal.status != 0) {
    impl.refuse(refusal);
    return 0;
  }
  impl.state = impl.parser->is_done() ? State::complete : State::body;
  return end;
}

std::size_t RequestParser::read_body(std::string_view input, Buffer& out, std::size_t most) {
  Impl& impl = *impl_;
  Parser& parser = *impl.parser;
  parser.out = &out;
  parser.room = most;
  std::size_t consumed = 0;
  while (consumed < input.size() && !parser.is_done() && parser.room > 0) {
    error_code ec;
    consumed += parser.put({input.data() + consumed, input.size() - consumed}, ec);
    if (ec == beast::http::error::need_more) {
      // Only the line of a chunk or a trailer can be incomplete; it has the header's bound.
      if (input.size() - consumed > impl.limits.header) {
        impl.refuse({400, "a chunk header or trailer that is too long"});
      }
      break;
    }
    if (ec) {
      impl.refuse(refusal_of(ec));
      break;
    }
  }
  if (impl.state == State::body && parser.is_done()) impl.state = State::complete;
  return consumed;
}

void RequestParser::reset() {
  impl_->parser.reset();
  impl_->scan = {};
  impl_->state = State::head;
  impl_->refusal = {};
}

RequestHead RequestParser::take_head() { return std::move(impl_->parser->head); }
bool RequestParser::http_1_1() const { return impl_->parser && impl_->parser->http_1_1; }
bool RequestParser::keep_alive() const { return impl_->parser && impl_->parser->keep_alive(); }
bool RequestParser::expects_continue() const {
  return impl_->parser && impl_->parser->fields.expects_continue && http_1_1();
}
bool RequestParser::is_head() const { return impl_->parser && impl_->parser->is_head_method; }

}  // namespace quern::http
