// The server's side of TLS: certificate, key and what we speak.
#pragma once

#include "base/result.hpp"
#include "http/http.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>

namespace quern::http {

// TLS 1.2 or newer, ALPN http/1.1. Errors name the file: not_found, permission_denied,
// invalid_argument (not PEM, or a key that does not belong to the certificate).
Result<std::unique_ptr<boost::asio::ssl::context>> make_tls_context(const TlsFiles& files);

// The oldest error in OpenSSL's queue as text; empties the queue.
std::string tls_problem();

}  // namespace quern::http
