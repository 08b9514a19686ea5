#include "insight/verdict_cache.hpp"

#include "insight/fields.hpp"

#include <algorithm>
#include <array>

namespace quern::insight {
namespace {

using logs::msgpack::Writer;

constexpr std::array<std::string_view, 4> kAbout{"line", "rate", "parameter", "session"};

std::optional<About> about_named(std::string_view word) {
  const auto* const found = std::find(kAbout.begin(), kAbout.end(), word);
  if (found == kAbout.end()) return std::nullopt;
  return static_cast<About>(found - kAbout.begin());
}

}  // namespace

std::string_view to_string(About about) { return kAbout[static_cast<std::size_t>(about)]; }

Result<VerdictCache> VerdictCache::load(Files& files, const std::filesystem::path& file,
                                        std::string policy, const Vocabulary& words) {
  VerdictCache cache(std::move(policy));
  TRY(read_json_lines(files, file, [&](ByteView map) -> Result<> {
    const auto id = natural_field(map, "template");
    const auto about = about_named(text_or_empty(map, "about"));
    if (!id || *id > UINT32_MAX || !about) {
      return fail(ErrorKind::corrupt_data, "this is no verdict");
    }
    if (*id == mining::kRest) return {};
    const bool person = text_or_empty(map, "by") == "person";
    if (!person && text_or_empty(map, "policy") != cache.policy_) return {};
    const Result<Verdict> verdict = read_verdict(map, words);
    if (!verdict.ok()) {
      // Of a class or action that is not configured now; a person's may be again.
      if (person && cache.unread_.size() < kMost)
        cache.unread_.emplace_back(map.begin(), map.end());
      return {};
    }
    cache.kept_[{static_cast<mining::TemplateId>(*id), *about}] = std::make_shared<Kept>(
        Kept{.verdict = *verdict,
             .source = person ? Kept::Source::person : Kept::Source::model,
             .line = text_or_empty(map, "line"),
             .who = text_or_empty(map, "who"),
             .time = static_cast<std::int64_t>(natural_field(map, "time").value_or(0))});
    return {};
  }));
  return cache;
}

std::shared_ptr<const Kept> VerdictCache::find(Key key) const {
  const auto found = kept_.find(key);
  return found == kept_.end() ? nullptr : found->second;
}

void VerdictCache::put(Key key, Kept kept) {
  if (key.id == mining::kRest) return;
  std::shared_ptr<const Kept>& place = kept_[key];
  if (place && place->source == Kept::Source::person && kept.source == Kept::Source::model) return;
  place = std::make_shared<Kept>(std::move(kept));
  changed_ = true;
  if (kept_.size() > kMost) drop_oldest();
}

void VerdictCache::drop_oldest() {
  const auto worth = [](const auto& entry) {
    return std::pair(entry.second->source == Kept::Source::person, entry.second->time);
  };
  kept_.erase(std::min_element(kept_.begin(), kept_.end(),
                               [&](const auto& a, const auto& b) { return worth(a) < worth(b); }));
}

void VerdictCache::follow(const std::function<mining::TemplateId(mining::TemplateId)>& now) {
  std::vector<std::pair<Key, std::shared_ptr<const Kept>>> moved;
  std::erase_if(kept_, [&](const auto& entry) {
    const mining::TemplateId id = now(entry.first.id);
    if (id == entry.first.id) return false;
    if (id != mining::kRest) moved.emplace_back(Key{id, entry.first.about}, entry.second);
    changed_ = true;
    return true;
  });
  for (const auto& [key, kept] : moved) {
    std::shared_ptr<const Kept>& place = kept_[key];
    const bool person = kept->source == Kept::Source::person;
    if (!place || (person && place->source == Kept::Source::model)) place = kept;
  }
}

std::vector<std::shared_ptr<const Kept>> VerdictCache::examples(std::size_t most) const {
  std::vector<std::shared_ptr<const Kept>> all;
  for (const auto& [key, kept] : kept_) {
    if (kept->source == Kept::Source::person && !kept->line.empty()) all.push_back(kept);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a->time > b->time; });
  if (all.size() > most) all.resize(most);
  return all;
}

std::vector<mining::TemplateId> VerdictCache::of_people() const {
  std::vector<mining::TemplateId> ids;
  for (const auto& [key, kept] : kept_) {
    if (kept->source == Kept::Source::person) ids.push_back(key.id);
  }
  for (const Buffer& map : unread_) {
    ids.push_back(static_cast<mining::TemplateId>(natural_field(map, "template").value_or(0)));
  }
  return ids;
}

std::optional<std::string> VerdictCache::due() {
  if (!changed_) return std::nullopt;
  changed_ = false;
  std::string out;
  // Before the others: of two of one template the later holds.
  for (const Buffer& map : unread_) add_json_line(map, out);
  for (const auto& [key, kept] : kept_) {
    Buffer map;
    Writer writer(map);
    const bool person = kept->source == Kept::Source::person;
    writer.map(kVerdictPairs + 6);
    writer.string("template");
    writer.natural(key.id);
    writer.string("about");
    writer.string(to_string(key.about));
    writer.string("by");
    writer.string(person ? "person" : "model");
    writer.string(person ? "who" : "policy");
    writer.string(person ? kept->who : policy_);
    writer.string("time");
    writer.integer(kept->time);
    writer.string("line");
    writer.string(kept->line);
    write_pairs(kept->verdict, writer);
    add_json_line(map, out);
  }
  return out;
}

}  // namespace quern::insight
