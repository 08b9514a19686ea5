// References as the distribution specification has them.
#include "base/sha256.hpp"

#include "package/registry.hpp"

#include <algorithm>

namespace quern::package {
namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_letter(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// "hub:somebody" is none: behind the colon stands a port.
bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_registry(std::string_view host) {
  const bool may = !host.empty() && host.size() <= 255 && std::ranges::all_of(host, [](char c) {
    return is_letter(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  });
  if (!may) return false;
  const std::size_t bracket = host.rfind(']');  // of an IPv6 address, which has colons of its own
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) return is_port(host.substr(colon + 1));
  return host.find_first_of(".[") != std::string_view::npos || host == "localhost";
}

bool is_repository(std::string_view name) {
  const bool plain = std::ranges::all_of(name, [](char c) {
    return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-' || c == '/';
  });
  return plain && !name.empty() && name.size() <= 255 && is_lower_or_digit(name.front()) &&
         is_lower_or_digit(name.back()) && name.find("//") == std::string_view::npos &&
         name.find("..") == std::string_view::npos;
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 128 && tag.front() != '.' && tag.front() != '-' &&
         std::ranges::all_of(
             tag, [](char c) { return is_letter(c) || c == '.' || c == '_' || c == '-'; });
}

Failure malformed(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_argument,
              "\"" + std::string(text.substr(0, 300)) +
                  "\" is not of the form REGISTRY/NAME[:TAG][@DIGEST]: " + std::string(why));
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  Reference reference;
  std::string_view rest = text;
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos || !is_registry(rest.substr(0, slash))) {
    return malformed(text, "the registry is missing, as in ghcr.io/acme/analyst");
  }
  reference.registry = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    reference.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!is_digest(reference.digest)) return malformed(text, "the digest is none");
  }
  if (const std::size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
    reference.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!is_tag(reference.tag)) return malformed(text, "the tag is none");
  }
  if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
  reference.repository = rest;
  if (!is_repository(rest)) {
    return malformed(text, "names are lower case letters, digits, \".\", \"_\", \"-\" and \"/\"");
  }
  return reference;
}

std::string Reference::to_string() const {
  return registry + "/" + repository + (tag.empty() ? "" : ":" + tag) +
         (digest.empty() ? "" : "@" + digest);
}

bool looks_like_reference(std::string_view text) {
  return !text.starts_with(".") && !text.starts_with("/") && Reference::parse(text).ok();
}

}  // namespace quern::package
