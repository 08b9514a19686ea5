// What the page shows, as one JSON object (docs/formats/insight.md).
#include "base/text.hpp"

#include "insight/insight_shell.hpp"

#include <algorithm>
#include <span>
#include <unordered_map>

namespace quern::insight {
namespace {

using logs::msgpack::Writer;

constexpr std::size_t kShownTemplates = 50;
constexpr std::size_t kShownText = 400;

void write_verdict(Writer& writer, const Verdict* verdict) {
  if (verdict == nullptr) return writer.nil();
  writer.map(kVerdictPairs);
  write_pairs(*verdict, writer);
}

using Rows = std::unordered_map<mining::TemplateId, std::vector<std::uint64_t>>;

// Of these templates, their lines in each window.
Rows rows_of(const Core& core, std::span<const mining::Template> shown) {
  Rows rows;
  for (const mining::Template& one : shown) rows[one.id].resize(core.history.size());
  for (std::size_t at = 0; at < core.history.size(); ++at) {
    for (const auto& [id, count] : core.history[at]) {
      const auto row = rows.find(core.known.miner().now(id));
      if (row != rows.end()) row->second[at] += count;
    }
  }
  return rows;
}

void write_templates(Writer& writer, const Core& core) {
  std::vector<mining::Template> all = core.known.miner().templates();
  const std::size_t shown = std::min(kShownTemplates, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), all.end(),
                    [](const auto& a, const auto& b) { return a.count > b.count; });
  const Rows rows = rows_of(core, std::span(all).first(shown));
  writer.string("templates");
  writer.array(static_cast<std::uint32_t>(shown));
  for (std::size_t i = 0; i < shown; ++i) {
    writer.map(5);
    writer.string("id");
    writer.natural(all[i].id);
    writer.string("text");
    writer.string(printable(all[i].text, kShownText));
    writer.string("count");
    writer.natural(all[i].count);
    writer.string("windows");
    writer.array(static_cast<std::uint32_t>(core.history.size()));
    for (const std::uint64_t count : rows.at(all[i].id)) writer.natural(count);
    writer.string("verdict");
    const auto kept = core.cache.find({all[i].id, About::line});
    write_verdict(writer, kept ? &kept->verdict : nullptr);
  }
}

void write_anomalies(Writer& writer, const Core& core) {
  writer.string("anomalies");
  writer.array(static_cast<std::uint32_t>(core.unusual.size()));
  for (auto one = core.unusual.rbegin(); one != core.unusual.rend(); ++one) {
    writer.map(5);
    writer.string("time");
    writer.integer(one->time);
    writer.string("template");
    writer.natural(one->id);
    writer.string("line");
    writer.string(one->line);
    writer.string("why");
    writer.string(one->why);
    writer.string("verdict");
    write_verdict(writer, one->verdict ? &*one->verdict : nullptr);
  }
}

}  // namespace

void write_approvals(Writer& writer, const std::vector<Waiting>& waiting) {
  writer.string("approvals");
  writer.array(static_cast<std::uint32_t>(waiting.size()));
  for (const Waiting& one : waiting) {
    writer.map(6);
    writer.string("number");
    writer.natural(one.number);
    writer.string("action");
    writer.string(one.action);
    writer.string("template");
    writer.natural(one.id);
    writer.string("text");
    writer.string(printable(one.text, kShownText));
    writer.string("since");
    writer.integer(one.since);
    writer.string("verdict");
    write_verdict(writer, &one.verdict);
  }
}

Result<std::string> Insight::snapshot() const {
  const auto parts = TRY(this->parts());
  Buffer map;
  Writer writer(map);
  writer.map(7);
  writer.string("stage");
  writer.string(parts->world.name);
  writer.string("window_ms");
  writer.integer(parts->options.window.count());
  const std::vector<Waiting> waiting = parts->actions->waiting();
  parts->core.with([&](const Core& core) {
    write_templates(writer, core);
    write_anomalies(writer, core);
    writer.string("model");
    writer.map(6);
    const auto put = [&](std::string_view key, std::uint64_t value) {
      writer.string(key);
      writer.natural(value);
    };
    put("calls", core.figures.calls);
    put("failures", core.figures.failures);
    put("waiting", core.pending.size());
    put("tokens_today", core.budget.spent_today());
    put("tokens_per_day", parts->options.budget.day);
    put("lines", core.figures.lines);
  });
  write_approvals(writer, waiting);
  writer.string("bytes");
  writer.map(2);
  writer.string("in");
  writer.natural(shell_->setup.bytes_in);
  writer.string("out");
  writer.natural(shell_->setup.bytes_out);
  std::string json;
  (void)logs::msgpack::to_json(map, json);  // four deep, of our own making
  return json;
}

}  // namespace quern::insight
