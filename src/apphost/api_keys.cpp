#include "apphost/apphost.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <set>

namespace quern::apphost {
namespace {

constexpr Bytes kLargestFile = 1_MiB;
constexpr std::size_t kLongestKey = 512;
constexpr std::size_t kMostKeys = 1000;  // every request is compared with every one
constexpr std::uint32_t kOthersMay = 0007;
constexpr std::uint32_t kGroupMayWrite = 0020;

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kLongestKey &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// 1 when equal, else 0; without a branch that depends on what is compared.
unsigned same(std::string_view a, std::string_view b) {
  unsigned difference = static_cast<unsigned>(a.size() ^ b.size());
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return 1U & ((difference - 1U) >> 31U);
}

Failure malformed(const std::filesystem::path& file, std::size_t line, const std::string& what) {
  return fail(ErrorKind::invalid_argument,
              file.string() + ":" + std::to_string(line) + ": " + what);
}

// "Bearer KEY"; the scheme in any case, one or more blanks between.
Result<std::string_view> bearer(std::string_view authorization) {
  if (authorization.empty()) {
    return fail(ErrorKind::permission_denied,
                "this server asks for an API key: send it as \"Authorization: Bearer KEY\"");
  }
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view key =
      trim(authorization.substr(std::min(kScheme.size(), authorization.size())));
  if (!equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme) || !is_word(key)) {
    return fail(ErrorKind::permission_denied,
                "the Authorization header is malformed: it must be \"Bearer KEY\"");
  }
  return key;
}

}  // namespace

Result<ApiKeys> ApiKeys::load(const std::filesystem::path& file, Files& files) {
  const FileInfo info = TRY(files.stat(file));
  if ((info.mode & (kOthersMay | kGroupMayWrite)) != 0) {
    return fail(ErrorKind::invalid_argument,
                file.string() + " holds API keys but is open to others; chmod 600 it");
  }
  const Buffer bytes = TRY(files.read(file, kLargestFile));
  ApiKeys keys;
  std::set<std::string> seen;
  std::size_t number = 0;
  for (const std::string_view line : split(as_text(bytes), '\n')) {
    ++number;
    const std::string_view text = trim(line.substr(0, line.find('#')));
    if (text.empty()) continue;
    const std::size_t blank = text.find_first_of(" \t");
    const std::string_view secret = text.substr(0, blank);
    const std::string_view tenant =
        blank == std::string_view::npos ? std::string_view() : trim(text.substr(blank));
    if (!is_word(secret) || !(tenant.empty() || is_word(tenant))) {
      return malformed(file, number, "must be a key and perhaps a tenant, in printable ASCII");
    }
    std::string digest = sha256(as_bytes(secret));
    if (!seen.insert(digest).second) return malformed(file, number, "repeats an earlier key");
    // "sha256:" and 12 of its digits name the tenant of a key that names none.
    std::string name = tenant.empty() ? "key-" + digest.substr(7, 12) : std::string(tenant);
    keys.keys_.push_back({.digest = std::move(digest), .tenant = std::move(name)});
    if (keys.keys_.size() > kMostKeys) return malformed(file, number, "is one key too many");
  }
  if (!keys.required()) return malformed(file, number, "there is no key in this file");
  return keys;
}

Result<std::string> ApiKeys::authorize(std::string_view authorization) const {
  const std::string digest = sha256(as_bytes(TRY(bearer(authorization))));
  // Selected without a branch, so that neither the match nor its place shows in the time.
  std::size_t selected = 0;
  for (std::size_t i = 0; i < keys_.size(); ++i)
    selected |= (i + 1) * same(digest, keys_[i].digest);
  if (selected == 0) return fail(ErrorKind::permission_denied, "this API key is not valid here");
  return keys_[selected - 1].tenant;
}

}  // namespace quern::apphost
