// What should not leave is blotted out, in all texts of a record: keys and values, however deep.
// Where that would make a record too large, secrets are taken out and nothing stands in their
// place.
#include "logs/filter_parts.hpp"
#include "logs/msgpack.hpp"
#include "logs/regex.hpp"

#include <algorithm>
#include <array>
#include <atomic>

namespace quern::logs {
namespace {

struct Secret {
  std::string_view name;
  // With a group: only that is blotted out.
  std::string_view pattern;
};

constexpr Secret kEmail{
    "email", R"([A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})"};
constexpr Secret kCard{"card", R"(\b\d(?:[ -]?\d){12,18}\b)"};
constexpr Secret kToken{
    "token",
    R"((?i:(?:bearer|basic)\s+|(?:api[_-]?key|passw(?:or)?d|pwd|secret|token)["']?\s*[:=]\s*["']?))"
    R"(([^\s"',;&]{4,})|(eyJ[\w-]+\.[\w-]+\.[\w-]*)|(\b(?:AKIA|ASIA)[0-9A-Z]{16}\b)|(\bgh[pousr]_\w{20,}))"};
constexpr Secret kAddress{"ip", R"(\b(?:\d{1,3}\.){3}\d{1,3}\b)"};

// By ISO/IEC 7812's check digit.
bool is_card(std::string_view text) {
  unsigned sum = 0;
  bool twice = false;
  for (std::size_t at = text.size(); at-- > 0;) {
    if (text[at] < '0' || text[at] > '9') continue;
    unsigned digit = static_cast<unsigned>(text[at] - '0') * (twice ? 2 : 1);
    if (digit > 9) digit -= 9;
    sum += digit;
    twice = !twice;
  }
  return sum % 10 == 0;
}

struct Blot {
  Regex pattern;
  bool card = false;
};

class MaskFilter final : public Filter {
 public:
  MaskFilter(std::vector<Blot> blots, std::string with)
      : blots_(std::move(blots)), with_(std::move(with)) {}

  Filtered apply(Batch batch, const std::stop_token& /*stop*/) override {
    Filtered out;
    Buffer record;
    bool any = false;
    for (std::size_t at = 0; at < batch.size(); ++at) {
      const Entry entry = batch[at];
      bool changed = mask_record(entry.record, with_, record);
      if (record.size() + entry.metadata.size() > kLargestRecord.count)
        changed = mask_record(entry.record, "", record);
      // All before were as they had been.
      if (changed && !any) {
        any = true;
        for (std::size_t before = 0; before < at; ++before) out.kept.add(batch[before]);
      }
      if (any)
        out.kept.add(entry.tag, entry.time, changed ? ByteView(record) : entry.record,
                     entry.metadata);
    }
    if (!any) out.kept = std::move(batch);
    return out;
  }

  std::vector<Figure> figures() const override {
    return {{.name = "filter_masked_total", .value = static_cast<double>(masked_.load())}};
  }

 private:
  // Writes the record anew, or the first of it that is larger than a record may be; false where it
  // is the same.
  bool mask_record(ByteView record, std::string_view with, Buffer& out) {
    out.clear();
    msgpack::Reader reader(record);
    bool any = false;
    std::size_t copied = 0;  // of the record
    while (!reader.done()) {
      const std::size_t begin = reader.position();
      const Result<msgpack::Token> token = reader.next();
      if (!token.ok()) return false;
      if (token->type != msgpack::Type::string && token->type != msgpack::Type::binary) continue;
      std::string text;
      if (!mask_text(as_text(token->bytes), with, text)) continue;
      any = true;
      const ByteView before = record.subspan(copied, begin - copied);
      out.insert(out.end(), before.begin(), before.end());
      msgpack::Writer(out).string(text);
      copied = reader.position();
      if (out.size() > kLargestRecord.count) return true;
    }
    const ByteView rest = record.subspan(copied);
    out.insert(out.end(), rest.begin(), rest.end());
    return any;
  }

  bool mask_text(std::string_view text, std::string_view with, std::string& out) {
    bool any = false;
    for (const Blot& blot : blots_) {
      std::string next;
      const std::string_view from = any ? std::string_view(out) : text;
      if (!mask_with(blot, from, with, next)) continue;
      out = std::move(next);
      any = true;
      if (out.size() > kLargestRecord.count) break;
    }
    return any;
  }

  bool mask_with(const Blot& blot, std::string_view text, std::string_view with, std::string& out) {
    constexpr int kGroups = 5;
    std::array<re2::StringPiece, kGroups> groups;
    const int count = std::min(kGroups, blot.pattern->NumberOfCapturingGroups() + 1);
    std::size_t copied = 0;
    std::size_t from = 0;
    bool any = false;
    while (from <= text.size() && blot.pattern->Match({text.data(), text.size()}, from, text.size(),
                                                      re2::RE2::UNANCHORED, groups.data(), count)) {
      re2::StringPiece secret = groups[0];
      for (int group = 1; group < count; ++group) {
        if (groups[static_cast<std::size_t>(group)].data() != nullptr)
          secret = groups[static_cast<std::size_t>(group)];
      }
      const auto begin = static_cast<std::size_t>(secret.data() - text.data());
      const auto whole_end =
          static_cast<std::size_t>(groups[0].data() - text.data()) + groups[0].size();
      from = std::max(whole_end, from + 1);
      if (secret.empty() || (blot.card && !is_card({secret.data(), secret.size()}))) continue;
      out.append(text, copied, begin - copied).append(with);
      copied = begin + secret.size();
      any = true;
      ++masked_;
      // Too much already, whatever follows: it is done again with nothing in their place.
      if (out.size() > kLargestRecord.count) return true;
    }
    if (any) out.append(text, copied);
    return any;
  }

  const std::vector<Blot> blots_;
  const std::string with_;
  std::atomic<std::uint64_t> masked_{0};
};

}  // namespace

MadeFilter make_mask(Settings& settings, const StageWorld& /*world*/) {
  std::vector<Blot> blots;
  for (const std::string& name : TRY(settings.texts("builtin"))) {
    bool known = false;
    for (const Secret& secret : {kEmail, kCard, kToken, kAddress}) {
      if (secret.name != name) continue;
      known = true;
      blots.push_back({.pattern = TRY(compile_regex(secret.pattern)), .card = name == "card"});
    }
    if (!known)
      return settings.wrong("builtin", "knows email, card, token and ip, not \"" + name + "\"");
  }
  for (const std::string& pattern : TRY(settings.texts("patterns"))) {
    Result<Regex> regex = compile_regex(pattern);
    if (!regex.ok()) return settings.wrong("patterns", regex.error().message());
    blots.push_back({.pattern = *std::move(regex)});
  }
  if (blots.empty())
    return settings.wrong("patterns", "neither builtin nor patterns says what to mask");
  const std::string with = TRY(settings.text_or("with", "***"));
  return std::unique_ptr<Filter>(std::make_unique<MaskFilter>(std::move(blots), with));
}

}  // namespace quern::logs
