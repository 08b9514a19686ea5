// The distribution protocol: documents, blobs and signing in.
//
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
// https://distribution.github.io/distribution/spec/auth/token/
#include "package/registry.hpp"

#include "base/host_port.hpp"
#include "base/percent.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

#include "package/docker_config.hpp"
#include "package/oci_manifest.hpp"
#include <nlohmann/json.hpp>

namespace quern::package {
namespace {

constexpr Bytes kLargestDocument = 4_MiB;
constexpr std::string_view kAccepted =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json";

// "127.0.0.1.example.com" is not.
bool is_loopback(std::string_view registry) {
  const auto parts = split_host_port(registry);
  if (!parts.ok()) return false;
  const std::string_view host = parts->host;
  const bool number = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "[::1]" || (number && host.starts_with("127."));
}

// Where a password may go without TLS: to the registry that speaks so itself, and no further than
// this machine.
bool may_be_plain(std::string_view realm, std::string_view registry_origin) {
  constexpr std::string_view kPlain = "http://";
  if (!registry_origin.starts_with(kPlain) || !realm.starts_with(kPlain)) return false;
  const std::string_view rest = realm.substr(kPlain.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const bool hides = authority.find_first_of("@\\") != std::string_view::npos;
  return !hides && (is_loopback(authority) || registry_origin.substr(kPlain.size()) == authority);
}

std::string origin_of(std::string_view url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  return std::string(url.substr(0, url.find('/', begin + 3)));
}

// A value of a challenge: Bearer realm="...",service="...".
std::string parameter(std::string_view challenge, std::string_view name) {
  for (std::size_t at = 0; (at = challenge.find(name, at)) != std::string_view::npos; ++at) {
    const std::string_view rest = challenge.substr(at + name.size());
    const bool whole = at > 0 && (challenge[at - 1] == ' ' || challenge[at - 1] == ',');
    if (!whole || !rest.starts_with("=\"")) continue;
    return std::string(rest.substr(2, rest.find('"', 2) - 2));
  }
  return {};
}

Failure refused(const Reference& what, const SendAnswer& answer) {
  const std::string told = error_text(answer.body);
  const std::string text = what.registry + " answered " + std::to_string(answer.status) +
                           (told.empty() ? "" : " (" + told + ")");
  switch (answer.status) {
    case 401:
    case 403:
      return fail(ErrorKind::permission_denied,
                  text + "; docker login " + what.registry + " keeps a sign-in");
    case 404: return fail(ErrorKind::not_found, text);
    case 413: return fail(ErrorKind::resource_exhausted, text);
    default: break;
  }
  const bool later = answer.status == 408 || answer.status == 429 || answer.status >= 500;
  return fail(later ? ErrorKind::unavailable : ErrorKind::invalid_argument, text);
}

Failure other_bytes(std::string_view what, std::string_view wanted, std::string_view got) {
  return fail(ErrorKind::corrupt_data, "the registry sent something else than " +
                                           std::string(what) + " " + std::string(wanted) +
                                           ": its digest is " + std::string(got));
}

}  // namespace

std::string Registry::address(const Reference& what, std::string_view rest) const {
  const bool plain = options_.plain_http == PlainHttp::everywhere || is_loopback(what.registry);
  return (plain ? "http://" : "https://") + what.registry + "/v2/" + what.repository + "/" +
         std::string(rest);
}

Result<SendAnswer> Registry::call(const Reference& what, SendRequest request,
                                  const std::stop_token& stop, BodyIs body) {
  SendAnswer answer = TRY(signed_in(what, std::move(request), stop, body));
  if (answer.status >= 200 && answer.status < 300) return answer;
  return refused(what, answer);
}

Result<SendAnswer> Registry::signed_in(const Reference& what, SendRequest request,
                                       const std::stop_token& stop, BodyIs body) {
  // Where a registry sends uploads may be somebody else's; our sign-in is not for them.
  const bool own = origin_of(request.url) == origin_of(address(what, ""));
  const auto plain_headers = request.headers;
  const auto with_sign_in = [&] {
    request.headers = plain_headers;
    if (own && !authorization_.empty()) {
      request.headers.emplace_back("Authorization", authorization_);
    }
  };
  with_sign_in();
  SendAnswer answer = TRY(network_.send(request, stop));
  // Whoever sends a stream has signed in with the call that began its upload.
  const bool gone = request.body_bytes > 0 && body == BodyIs::read_once;
  if (answer.status != 401 || !own || gone) return answer;
  TRY(sign_in(what, answer.authenticate, stop));
  with_sign_in();
  return network_.send(request, stop);
}

Result<> Registry::sign_in(const Reference& what, std::string_view challenge,
                           const std::stop_token& stop) {
  const std::string basic = TRY(sign_in_for(options_.docker_config, what.registry));
  const std::string scheme = to_lower(challenge.substr(0, challenge.find(' ')));
  if (scheme == "basic") {
    if (basic.empty()) {
      return fail(
          ErrorKind::permission_denied,
          what.registry + " asks for a sign-in; docker login " + what.registry + " keeps one");
    }
    authorization_ = basic;
    return {};
  }
  if (scheme == "bearer") {
    authorization_ = "Bearer " + TRY(fetch_token(what, challenge, basic, stop));
    return {};
  }
  return fail(ErrorKind::unsupported, what.registry +
                                          " asks for a sign-in of a kind that is not "
                                          "known here: \"" +
                                          printable(scheme, 40) + "\"");
}

Result<std::string> Registry::fetch_token(const Reference& what, std::string_view challenge,
                                          const std::string& basic, const std::stop_token& stop) {
  const std::string realm = parameter(challenge, "realm");
  if (!realm.starts_with("https://") && !may_be_plain(realm, origin_of(address(what, "")))) {
    return fail(ErrorKind::permission_denied,
                what.registry + " wants tokens fetched from \"" + printable(realm, 200) +
                    "\", which is neither https nor the registry itself: no sign-in is sent "
                    "there");
  }
  // A push begins with questions that reading is enough for; their token is for its writes as well.
  std::string scope = pushes_ ? "" : parameter(challenge, "scope");
  if (scope.empty()) {
    scope = "repository:" + what.repository + (pushes_ ? ":pull,push" : ":pull");
  }
  const std::string service = parameter(challenge, "service");
  constexpr std::string_view kPlain = ":/,";
  SendRequest request{.url = realm + (realm.find('?') == std::string::npos ? "?" : "&") +
                             "service=" + percent_encoded(service, kPlain) +
                             "&scope=" + percent_encoded(scope, kPlain)};
  if (!basic.empty()) request.headers.emplace_back("Authorization", basic);
  const SendAnswer answer = TRY(network_.send(request, stop).context("signing in"));
  if (answer.status != 200) return refused(what, answer);
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  for (const char* const key : {"token", "access_token"}) {
    if (json.is_object() && json.contains(key) && json[key].is_string()) {
      return json[key].get<std::string>();
    }
  }
  return fail(ErrorKind::corrupt_data, printable(realm, 200) + " answered without a token");
}

Result<Manifest> Registry::manifest(const Reference& what, const std::stop_token& stop) {
  std::string version = what.version();
  std::string wanted = what.digest;
  for (int turn = 0; turn < 3; ++turn) {  // an index of an index, at most
    SendRequest request{.url = address(what, "manifests/" + version),
                        .headers = {{"Accept", std::string(kAccepted)}},
                        .largest_answer = kLargestDocument};
    const SendAnswer answer = TRY(call(what, std::move(request), stop).context(what.to_string()));
    const std::string digest = sha256(as_bytes(answer.body));
    if (!wanted.empty() && digest != wanted) return other_bytes("the manifest", wanted, digest);
    Document document = TRY(parse_document(answer.body).context(what.to_string()));
    if (document.manifest) {
      document.manifest->digest = digest;
      return *std::move(document.manifest);
    }
    version = wanted = document.instead;
  }
  return fail(ErrorKind::corrupt_data, what.to_string() + " is an index of indices");
}

Result<Buffer> Registry::blob(const Reference& what, const Descriptor& blob,
                              const std::stop_token& stop) {
  if (blob.size > kLargestProgram.count) {
    return fail(ErrorKind::unsupported, blob.digest + " has " + to_string(Bytes{blob.size}) +
                                            "; at most " + to_string(kLargestProgram) +
                                            " are taken");
  }
  SendRequest request{.url = address(what, "blobs/" + blob.digest),
                      .largest_answer = Bytes{std::max<std::uint64_t>(blob.size, 64 << 10U)}};
  auto answer = call(what, std::move(request), stop);
  const bool more = (answer.ok() && answer->body.size() > blob.size) ||
                    (!answer.ok() && answer.error().kind() == ErrorKind::resource_exhausted);
  if (more) {
    return fail(ErrorKind::corrupt_data, "the registry sends more than the " +
                                             to_string(Bytes{blob.size}) +
                                             " that it announced for " + blob.digest);
  }
  if (!answer.ok()) return fail(std::move(answer).error().wrap("the blob " + blob.digest));
  const std::string digest = sha256(as_bytes(answer->body));
  if (digest != blob.digest) return other_bytes("the blob", blob.digest, digest);
  return to_buffer(answer->body);
}

FetchRequest Registry::blob_request(const Reference& what, std::string_view digest) const {
  FetchRequest request{.url = address(what, "blobs/" + std::string(digest)), .headers = {}};
  if (!authorization_.empty()) request.headers.emplace_back("Authorization", authorization_);
  return request;
}

Result<bool> Registry::has_blob(const Reference& what, std::string_view digest,
                                const std::stop_token& stop) {
  pushes_ = true;
  SendRequest request{.method = "HEAD", .url = address(what, "blobs/" + std::string(digest))};
  const SendAnswer answer = TRY(signed_in(what, std::move(request), stop));
  if (answer.status == 404) return false;
  if (answer.status == 200) return true;
  return refused(what, answer);
}

Result<> Registry::put_blob(const Reference& what, const Descriptor& blob, const Body& body,
                            const std::stop_token& stop) {
  pushes_ = true;
  SendRequest begin{.method = "POST", .url = address(what, "blobs/uploads/")};
  const SendAnswer begun = TRY(call(what, std::move(begin), stop).context("beginning an upload"));
  std::string to = begun.location;
  if (to.starts_with("/")) to = origin_of(begun.url) + to;
  const bool lowered = begun.url.starts_with("https://") && !to.starts_with("https://");
  if (lowered || !to.starts_with("http")) {
    return fail(ErrorKind::corrupt_data, what.registry + " does not tell where uploads go");
  }
  to += (to.find('?') == std::string::npos ? "?digest=" : "&digest=") + blob.digest;
  SendRequest put{.method = "PUT",
                  .url = to,
                  .headers = {{"Content-Type", "application/octet-stream"}},
                  .body_bytes = blob.size,
                  .body = body};
  TRY(call(what, std::move(put), stop).context("uploading " + blob.digest));
  return {};
}

Result<std::string> Registry::put_manifest(const Reference& what, std::string_view json,
                                           const std::stop_token& stop) {
  pushes_ = true;
  SendRequest put{.method = "PUT",
                  .url = address(what, "manifests/" + what.version()),
                  .headers = {{"Content-Type", std::string(media::kManifest)}},
                  .body_bytes = json.size(),
                  .body = [json]() -> Result<Buffer> { return to_buffer(json); }};
  TRY(call(what, std::move(put), stop, BodyIs::repeatable)
          .context("the manifest of " + what.to_string()));
  return sha256(as_bytes(json));
}

}  // namespace quern::package
