#include "base/text.hpp"

#include "insight/insight_parts.hpp"
#include "insight/severity.hpp"
#include "logs/record.hpp"

#include <algorithm>

namespace quern::insight {
namespace {

using logs::msgpack::Writer;
using Ship = InsightOptions::Ship;

enum class Fate : std::uint8_t { shipped, kept_here, silenced, sampled_out };

bool stands(const Until& until, mining::TemplateId id, Clock::Time now) {
  const auto found = until.find(id);
  return found != until.end() && now < found->second;
}

// {"reasons", "rule", "anomaly", "by", "budget", and of a verdict that says anomaly its pairs}; not
// written where there is nothing to say.
bool write_finding(const Look& look, mining::Severity at_least, Buffer& out) {
  const bool gate = look.asked == Look::Asked::spent || look.asked == Look::Asked::failed;
  if (!look.reasons.any() && look.rule == nullptr && !look.verdict && !gate) return false;
  const bool told = look.verdict != nullptr && look.verdict->verdict.anomaly;
  const bool decided = look.verdict || gate || look.rule != nullptr;
  Writer writer(out);
  writer.map((look.reasons.any() ? 1U : 0U) + (look.rule != nullptr ? 1U : 0U) +
             (decided ? 1U : 0U) + (look.verdict || gate ? 1U : 0U) +
             (look.asked == Look::Asked::spent ? 1U : 0U) + (told ? 1U : 0U));
  if (look.reasons.any()) {
    const mining::Reasons& r = look.reasons;
    writer.string("reasons");
    writer.array((r.new_template ? 1U : 0U) + (r.severity ? 1U : 0U) + (r.rate ? 1U : 0U) +
                 (r.parameter ? 1U : 0U));
    if (r.new_template) writer.string("new");
    if (r.severity) writer.string("severity");
    if (r.rate) writer.string("rate");
    if (r.parameter) writer.string("parameter");
  }
  if (look.rule != nullptr) {
    writer.string("rule");
    writer.string(*look.rule);
  }
  if (decided) {
    writer.string("anomaly");
    writer.boolean(look.anomaly(at_least));
  }
  if (look.verdict || gate) {
    writer.string("by");
    const bool person = look.verdict && look.verdict->source == Kept::Source::person;
    writer.string(!look.verdict ? "gate" : person ? "person" : "model");
  }
  if (look.asked == Look::Asked::spent) {
    writer.string("budget");
    writer.string("spent");
  }
  if (told) {
    writer.string("verdict");
    writer.map(kVerdictPairs);
    write_pairs(look.verdict->verdict, writer);
  }
  return true;
}

struct Alarm {
  const Look& look;
  std::string text;  // of the template
  std::string line;  // both printable
};

Buffer alarm_record(const Alarm& alarm, const std::string& stage) {
  Buffer record;
  Writer writer(record);
  writer.map(7);
  const auto put = [&](std::string_view key, std::string_view value) {
    writer.string(key);
    writer.string(value);
  };
  put("alert", "rule");
  put("rule", *alarm.look.rule);
  put("severity", to_string(alarm.look.severity));
  writer.string("template");
  writer.natural(alarm.look.id);
  put("text", alarm.text);
  put("line", alarm.line);
  put("stage", stage);
  return record;
}

// At most one a template, rule and window, but for lines whose templates found no room; all are
// counted.
void raise_alarm(InsightParts& parts, Core& core, const Look& look, std::string_view line) {
  ++core.figures.alarms;
  const bool first = core.window.alarmed.emplace(look.id, *look.rule).second;
  if (!first && look.id != mining::kRest) return;
  const Alarm alarm{.look = look,
                    .text = printable(core.known.miner().at(look.id).text, kShownLine),
                    .line = printable(line, kShownLine)};
  send(core, parts, parts.options.alert_tag, alarm_record(alarm, parts.world.name));
  remember(core, {.time = parts.date(),
                  .id = look.id,
                  .line = alarm.line,
                  .why = "rule: " + *look.rule,
                  .verdict = std::nullopt});
}

class Decider {
 public:
  Decider(InsightParts& parts, Core& core)
      : parts_(parts),
        core_(core),
        now_(parts.world.clock.now()),
        standing_(parts.actions->standing()) {}

  Fate decide(const Look& look, std::string_view line, std::uint64_t bytes) {
    const bool anomaly = look.anomaly(parts_.options.gate.at_least);
    ++core_.window.lines;
    core_.window.bytes += bytes;
    if (!look.has_line) return Fate::shipped;
    WindowCount& count = core_.window.templates[look.id];
    ++count.lines;
    count.anomalies += anomaly ? 1 : 0;
    count.is_new = count.is_new || look.is_new;
    core_.figures.spent += look.asked == Look::Asked::spent ? 1 : 0;
    if (look.rule != nullptr) raise_alarm(parts_, core_, look, line);
    const bool unusual = anomaly || look.reasons.any();
    return parts_.options.ship == Ship::all ? of_all(look, unusual) : of_raw(look, unusual, count);
  }

 private:
  Fate of_all(const Look& look, bool unusual) {
    if (look.rule == nullptr && standing_ && stands(standing_->silent, look.id, now_)) {
      ++core_.figures.silenced;
      return Fate::silenced;
    }
    if (unusual || parts_.options.sample == 1 || !look.verdict || sampled(look.id)) {
      return Fate::shipped;
    }
    if (core_.normal++ % parts_.options.sample == 0) return Fate::shipped;
    ++core_.figures.sampled_out;
    return Fate::sampled_out;
  }
  // The first of each template, of what is unusual one a window, and what an action asked for.
  Fate of_raw(const Look& look, bool unusual, WindowCount& count) {
    std::uint32_t& shown = core_.raw[look.id];
    if (look.rule == nullptr && standing_ && stands(standing_->silent, look.id, now_)) {
      ++core_.figures.silenced;
      return Fate::kept_here;
    }
    if (shown < parts_.options.exemplars) {
      ++shown;
    } else if (!(unusual && count.raw == 0) && !sampled(look.id)) {
      return Fate::kept_here;
    }
    ++count.raw;
    return Fate::shipped;
  }
  bool sampled(mining::TemplateId id) const {
    return standing_ && stands(standing_->sampled, id, now_);
  }

  InsightParts& parts_;
  Core& core_;
  const Clock::Time now_;
  const std::shared_ptr<const Standing> standing_;
};

void put_out(const InsightOptions& options, const logs::Entry& entry, const Look& look,
             ByteView label, logs::Batch& into) {
  Buffer finding;
  Buffer metadata(entry.metadata.begin(), entry.metadata.end());
  if (write_finding(look, options.gate.at_least, finding)) {
    Result<Buffer> with = logs::with_field(metadata, "insight", finding);
    if (with.ok()) metadata = *std::move(with);
  }
  if (label.empty()) {
    into.add(entry.tag, entry.time, entry.record, metadata);
  } else {
    add_labelled(into, entry, metadata, label, options.label);
  }
}

void put_in(logs::Batch& box, Core& core, const InsightParts& parts, std::string_view tag,
            ByteView record) {
  if (box.size() >= kMostOutbox) {
    ++core.figures.lost;
    return;
  }
  box.add(tag, {.seconds = static_cast<std::uint32_t>(parts.date())}, record);
}

}  // namespace

logs::Filtered ship(InsightParts& parts, const logs::Batch& batch, const std::vector<Look>& looks,
                    const Buffer& labels) {
  std::vector<Fate> fates;
  fates.reserve(batch.size());
  logs::Filtered out;
  parts.core.with([&](Core& core) {
    Decider decider(parts, core);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const logs::Entry entry = batch[i];
      std::string_view line;
      if (looks[i].rule != nullptr) {
        line = line_in(entry.record, parts.options.label).value_or(std::string_view());
      }
      fates.push_back(decider.decide(looks[i], line, entry.record.size()));
    }
    out.kept = std::exchange(core.outbox, {});
  });
  std::vector<mining::TemplateId> ids;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const ByteView label = ByteView(labels).subspan(begin, looks[i].label_end - begin);
    begin = looks[i].label_end;
    ids.push_back(looks[i].id);
    if (fates[i] == Fate::shipped) {
      put_out(parts.options, batch[i], looks[i], label, out.kept);
    } else {
      ++out.dropped;
    }
  }
  if (parts.ring) parts.ring->add(batch, ids);
  return out;
}

logs::Filtered ship_unseen(InsightSetup& setup, const logs::Batch& batch) {
  logs::Filtered out;
  const Clock::Time now = setup.world.clock.now();
  for (const logs::Entry entry : batch) {
    const auto line = line_in(entry.record, setup.options.label);
    Look look;
    if (line) {
      look.severity = severity_of(entry.record, *line, setup.options.severity_key);
      look.rule = setup.rules.broken_by(*line, look.severity);
    }
    put_out(setup.options, entry, look, {}, out.kept);
    if (look.rule == nullptr) continue;
    const bool is_due = setup.alarmed.with([&](Alarmed& alarmed) {
      const auto [last, first] = alarmed.try_emplace(*look.rule, now);
      const bool again = now >= last->second + setup.options.window;
      if (again) last->second = now;
      return first || again;
    });
    if (!is_due) continue;
    const std::string shown = printable(*line, kShownLine);
    const auto date =
        std::chrono::floor<std::chrono::seconds>(setup.world.clock.date().time_since_epoch());
    out.kept.add(setup.options.alert_tag, {.seconds = static_cast<std::uint32_t>(date.count())},
                 alarm_record({.look = look, .text = shown, .line = shown}, setup.world.name));
  }
  return out;
}

void send(Core& core, const InsightParts& parts, std::string_view tag, ByteView record) {
  put_in(core.outbox, core, parts, tag, record);
}

void send_with_flush(Core& core, const InsightParts& parts, std::string_view tag, ByteView record) {
  put_in(core.alerts, core, parts, tag, record);
}

void remember(Core& core, Unusual unusual) {
  core.unusual.push_back(std::move(unusual));
  if (core.unusual.size() > kMostUnusual) core.unusual.pop_front();
}

}  // namespace quern::insight
