// What people ask an Insight: corrections, approvals, raw records; and how that is said through the
// pipeline's door (docs/formats/insight.md).
#include "base/text.hpp"

#include "insight/fields.hpp"
#include "insight/insight_shell.hpp"
#include "insight/severity.hpp"
#include "logs/json.hpp"

#include <unordered_map>
#include <utility>

namespace quern::insight {
namespace {

using logs::msgpack::Writer;

constexpr std::string_view kDone = "{}";

std::string_view value_of(const logs::StageCall& call, const std::string& name) {
  const auto found = call.query.find(name);
  return found == call.query.end() ? std::string_view() : found->second;
}

template <class Number>
Result<Number> number_of(const logs::StageCall& call, const std::string& name, Number fallback) {
  if (value_of(call, name).empty()) return fallback;
  return parse_number<Number>(value_of(call, name)).context(name);
}

std::string json_text(ByteView object) {
  std::string json;
  (void)logs::msgpack::to_json(object, json);  // of our own making, or a record that was JSON
  return json;
}

Result<std::string> search_answer(const Insight& insight, const logs::StageCall& call) {
  Search search{.text = std::string(value_of(call, "text"))};
  if (!value_of(call, "template").empty()) {
    search.id = TRY(number_of<mining::TemplateId>(call, "template", 0));
  }
  search.from = TRY(number_of(call, "from", search.from));
  search.to = TRY(number_of(call, "to", search.to));
  search.limit = TRY(number_of(call, "limit", search.limit));
  const std::vector<Found> found = TRY(insight.search(search));
  Buffer map;
  Writer writer(map);
  writer.map(1);
  writer.string("records");
  writer.array(static_cast<std::uint32_t>(found.size()));
  for (const Found& one : found) {
    writer.map(4);
    writer.string("template");
    writer.natural(one.id);
    writer.string("time");
    writer.floating(one.time.seconds + one.time.nanoseconds / 1e9);
    writer.string("tag");
    writer.string(one.tag);
    writer.string("record");
    writer.raw(one.record);
  }
  return json_text(map);
}

Result<std::string> approvals_answer(const Insight& insight) {
  const std::vector<Waiting> waiting = TRY(insight.approvals());
  Buffer map;
  Writer writer(map);
  writer.map(1);
  write_approvals(writer, waiting);
  return json_text(map);
}

Result<std::string> correct_answer(Insight& insight, const InsightSetup& setup,
                                   const logs::StageCall& call) {
  Correction correction{.id = TRY(number_of<mining::TemplateId>(call, "template", 0)),
                        .verdict = TRY(parse_verdict(call.body, setup.options.words)),
                        .who = std::string(value_of(call, "who"))};
  TRY(insight.correct(correction));
  return std::string(kDone);
}

}  // namespace

Result<std::string> Insight::answer(const logs::StageCall& call) {
  if (call.method == "GET" && call.what == "snapshot") return snapshot();
  if (call.method == "GET" && call.what == "search") return search_answer(*this, call);
  if (call.method == "GET" && call.what == "approvals") return approvals_answer(*this);
  if (call.method == "POST" && call.what == "correct") {
    return correct_answer(*this, shell_->setup, call);
  }
  if (call.method == "POST" && (call.what == "approve" || call.what == "deny")) {
    const auto number = TRY(number_of<std::uint64_t>(call, "number", 0));
    const std::string_view who = value_of(call, "who");
    TRY(call.what == "approve" ? approve(number, who) : deny(number, who));
    return std::string(kDone);
  }
  return Filter::answer(call);
}

Result<> Insight::correct(const Correction& correction) {
  const auto parts = TRY(this->parts());
  Verdict verdict = correction.verdict;
  verdict.reason = printable(verdict.reason, kLongestReason);
  TRY(check(verdict, parts->options.words));
  TRY(parts->core.with([&](Core& core) -> Result<> {
    mining::Miner& miner = core.known.miner();
    if (correction.id == mining::kRest || !miner.knows(correction.id)) {
      return fail(ErrorKind::not_found, "there is no template " + std::to_string(correction.id));
    }
    const Key key{miner.now(correction.id), About::line};
    Kept kept{.verdict = std::move(verdict),
              .source = Kept::Source::person,
              .line = miner.at(key.id).text,
              .who = printable(correction.who, 100),
              .time = parts->date()};
    // The example shows a line that was asked about, where there is one.
    const auto before = core.cache.find(key);
    const auto pending = core.pending.find(key);
    if (before && !before->line.empty()) kept.line = before->line;
    if (pending != core.pending.end() && !pending->second.about.lines.empty()) {
      kept.line = pending->second.about.lines.front();
    }
    if (pending != core.pending.end()) core.pending.erase(pending);
    tell_verdict(*parts, core, key, kept);
    core.cache.put(key, std::move(kept));
    miner.keep(key.id);
    return {};
  }));
  parts->answered_one.notify_all();
  save(*parts, Upkeep::due);
  return {};
}

Result<std::vector<Waiting>> Insight::approvals() const { return TRY(parts())->actions->waiting(); }
Result<> Insight::approve(std::uint64_t number, std::string_view who) {
  return TRY(parts())->actions->approve(number, printable(who, 100));
}
Result<> Insight::deny(std::uint64_t number, std::string_view who) {
  return TRY(parts())->actions->deny(number, printable(who, 100));
}

Result<std::vector<Found>> Insight::search(const Search& search) const {
  const auto parts = TRY(this->parts());
  if (!parts->ring) {
    return fail(ErrorKind::unsupported,
                parts->world.name + " keeps no raw records: set ship = \"verdicts\"");
  }
  // The ids as they are known now, so that the ring needs no lock of ours.
  Search asked = search;
  // Of one that went the records are still found under its id.
  std::unordered_map<mining::TemplateId, mining::TemplateId> joined;
  for (const auto& [id, now] :
       parts->core.with([](const Core& core) { return core.known.miner().joined(); })) {
    joined.emplace(id, now);
  }
  const auto now_of = [&](mining::TemplateId id) {
    const auto found = joined.find(id);
    return found == joined.end() ? id : found->second;
  };
  if (asked.id) asked.id = now_of(*asked.id);
  return parts->ring->search(asked, now_of);
}

}  // namespace quern::insight
