#include "http/response_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace quern::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;

constexpr std::uint32_t kMaxHead = 64 * 1024;

class Parser final : public beast::http::basic_parser<false> {
 public:
  ResponseHead response;
  const ResponseParser::Sink* sink = nullptr;
  Result<> sink_result;

 private:
  using Verb = beast::http::verb;
  using Field = beast::http::field;
  using Text = beast::string_view;

  void on_request_impl(Verb, Text, Text, int, error_code&) override {}
  void on_response_impl(int status, Text, int, error_code&) override {
    response.status = static_cast<std::uint16_t>(status);
  }
  void on_field_impl(Field field, Text, Text value, error_code&) override {
    if (is_header_done()) return;  // a trailer
    if (field == Field::location) response.location.assign(value.data(), value.size());
    if (field == Field::content_type) response.content_type.assign(value.data(), value.size());
    if (field == Field::retry_after) response.retry_after.assign(value.data(), value.size());
    if (field == Field::www_authenticate) response.authenticate.assign(value.data(), value.size());
    if (field == Field::content_range) response.content_range.assign(value.data(), value.size());
  }
  void on_header_impl(error_code&) override {
    if (const auto length = content_length()) response.content_length = *length;
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text body, error_code& ec) override { return deliver(body, ec); }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code& ec) override {
    return deliver(body, ec);
  }
  void on_finish_impl(error_code&) override {}

  std::size_t deliver(Text body, error_code& ec) {
    if (sink != nullptr && *sink && !body.empty()) {
      sink_result = (*sink)(as_bytes({body.data(), body.size()}));
      if (!sink_result.ok()) ec = beast::http::error::end_of_stream;
    }
    return body.size();
  }
};

}  // namespace

struct ResponseParser::Impl {
  explicit Impl(Body wanted) : body(wanted) { start(); }

  void start() {
    parser.emplace();
    parser->header_limit(kMaxHead);
    parser->body_limit(boost::none);
    parser->skip(body == Body::none);
  }

  Body body;
  std::optional<Parser> parser;
};

ResponseParser::ResponseParser(Body body) : impl_(std::make_unique<Impl>(body)) {}
ResponseParser::~ResponseParser() = default;

Result<std::size_t> ResponseParser::feed(std::string_view input, const Sink& sink) {
  std::size_t consumed = 0;
  while (consumed < input.size() && !impl_->parser->is_done()) {
    Parser& parser = *impl_->parser;
    const bool had_head = parser.is_header_done();
    parser.sink = &sink;
    error_code ec;
    consumed += parser.put({input.data() + consumed, input.size() - consumed}, ec);
    if (!parser.sink_result.ok()) return fail(std::move(parser.sink_result).error());
    if (ec == beast::http::error::need_more) break;
    if (ec) return fail(ErrorKind::corrupt_data, "the answer is not HTTP: " + ec.message());
    if (had_head || !parser.is_header_done()) continue;
    // "100 Continue", "103 Early Hints": the real head follows.
    if (parser.response.status / 100 != 1) break;
    impl_->start();
  }
  return consumed;
}

bool ResponseParser::has_head() const { return impl_->parser->is_header_done(); }
bool ResponseParser::is_done() const { return impl_->parser->is_done(); }
const ResponseHead& ResponseParser::head() const { return impl_->parser->response; }
bool ResponseParser::keeps_connection() const { return impl_->parser->keep_alive(); }
bool ResponseParser::end_completes() const {
  return impl_->parser->is_done() || (has_head() && impl_->parser->need_eof());
}

}  // namespace quern::http
