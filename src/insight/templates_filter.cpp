#include "insight/templates_filter.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace quern::insight {

Result<mining::MinerOptions> read_miner_options(Settings& settings) {
  mining::MinerOptions options;
  options.templates =
      TRY(settings.number_or("templates", options.templates, {.least = 16, .most = 1'000'000}));
  options.line_bytes =
      TRY(settings.number_or("line_bytes", options.line_bytes, {.least = 64, .most = 65'536}));
  return options;
}

std::vector<logs::Figure> template_figures(const mining::Miner& miner, std::size_t top) {
  std::vector<mining::Template> all = miner.templates();
  std::vector<logs::Figure> figures{
      {.name = "templates", .value = static_cast<double>(all.size())}};
  const auto shown = static_cast<std::ptrdiff_t>(std::min(top, all.size()));
  std::partial_sort(all.begin(), all.begin() + shown, all.end(),
                    [](const auto& a, const auto& b) { return a.count > b.count; });
  for (auto one = all.begin(); one != all.begin() + shown; ++one) {
    figures.push_back({.name = "template_lines_total",
                       .value = static_cast<double>(one->count),
                       .labels = {{"template", std::to_string(one->id)}}});
  }
  return figures;
}

Result<std::unique_ptr<logs::Filter>> TemplatesFilter::make(Settings& settings,
                                                            const logs::StageWorld& world) {
  Options options;
  options.label = TRY(read_label_options(settings));
  options.miner = TRY(read_miner_options(settings));
  options.save_every = TRY(settings.duration_or("save_every", options.save_every));
  options.top = TRY(settings.number_or("top", options.top, {.least = 0, .most = 1000}));
  return std::unique_ptr<logs::Filter>(TRY(create(std::move(options), world)));
}

Result<std::unique_ptr<TemplatesFilter>> TemplatesFilter::create(Options options,
                                                                 const logs::StageWorld& world) {
  Learned learned = TRY(Learned::open(world.files, world.state, options.miner));
  return std::unique_ptr<TemplatesFilter>(
      new TemplatesFilter(std::move(options), world, std::move(learned)));
}

TemplatesFilter::~TemplatesFilter() { save(logs::Due::all); }

logs::Filtered TemplatesFilter::apply(logs::Batch batch, const std::stop_token& /*stop*/) {
  Buffer labels;
  std::vector<std::size_t> ends;  // of each record's label; the same as before: it has none
  ends.reserve(batch.size());
  state_.with([&](State& state) {
    for (const logs::Entry entry : batch) {
      if (const auto line = line_in(entry.record, options_.label)) {
        write_label(state.known.miner(), state.known.learn(*line).id, options_.label, labels);
        ++state.lines;
      } else {
        ++state.without;
      }
      ends.push_back(labels.size());
    }
  });
  logs::Filtered out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const logs::Entry entry = batch[i];
    if (ends[i] == begin) {
      out.kept.add(entry);
    } else {
      add_labelled(out.kept, entry, entry.metadata,
                   ByteView(labels).subspan(begin, ends[i] - begin), options_.label);
    }
    begin = ends[i];
  }
  return out;
}

logs::Filtered TemplatesFilter::flush(logs::Due due) {
  save(due);
  return {};
}

void TemplatesFilter::save(logs::Due due) {
  const Clock::Time now = world_.clock.now();
  std::filesystem::path file;
  const std::optional<std::string> text = state_.with([&](State& state) {
    file = state.known.file();
    return due == logs::Due::all ? state.known.all(now) : state.known.due(now, options_.save_every);
  });
  if (!text) return;
  const Result<> written = world_.files.write(file, as_bytes(*text));
  if (written.ok()) return;
  state_.with([](State& state) {
    state.known.again();
    ++state.unsaved;
  });
  log::warn("insight",
            "templates of " + world_.name + " are not saved: " + written.error().describe());
}

std::vector<logs::Figure> TemplatesFilter::figures() const {
  return state_.with([&](const State& state) {
    std::vector<logs::Figure> figures = template_figures(state.known.miner(), options_.top);
    figures.push_back({.name = "lines_total", .value = static_cast<double>(state.lines)});
    figures.push_back({.name = "lineless_total", .value = static_cast<double>(state.without)});
    figures.push_back({.name = "unsaved_total", .value = static_cast<double>(state.unsaved)});
    return figures;
  });
}

}  // namespace quern::insight
