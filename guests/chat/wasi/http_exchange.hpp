// wasi:http as our Request, BodyReader and Responder.
#pragma once

#include "http.hpp"
#include "quern/own.hpp"

#include <string>

namespace quern::chat::wasi {

using namespace quern::wasi;

using IncomingRequest =
    Own<wasi_http_types_own_incoming_request_t, wasi_http_types_incoming_request_drop_own>;

Request read_head(const IncomingRequest& request);

// `request` must outlive it.
class WasiBody final : public BodyReader {
 public:
  explicit WasiBody(const IncomingRequest& request) : request_(request) {}
  Outcome<std::string> read(std::size_t limit) override;

 private:
  const IncomingRequest& request_;
};

class WasiResponder final : public Responder {
 public:
  explicit WasiResponder(wasi_http_types_own_response_outparam_t out) : out_(out) {}
  // Ends the body. A response that never started becomes an error of the host.
  ~WasiResponder() override;
  void start(int status, const Headers& headers) override;
  bool write(std::string_view bytes) override;

 private:
  using OutParam =
      Own<wasi_http_types_own_response_outparam_t, wasi_http_types_response_outparam_drop_own>;
  using Body = Own<wasi_http_types_own_outgoing_body_t, wasi_http_types_outgoing_body_drop_own>;
  using Stream = Own<wasi_io_streams_own_output_stream_t, wasi_io_streams_output_stream_drop_own>;

  // How many bytes the stream takes now, at least one; waits for it. 0 when it is closed.
  std::uint64_t wait_for_room();

  OutParam out_;
  Body body_;
  Stream stream_;  // after body_: it goes first
  bool broken_ = false;
};

}  // namespace quern::chat::wasi
