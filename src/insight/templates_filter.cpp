#include "insight/templates_filter.hpp"

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
      {.name = "templates", .value = static_cast<double>(all.size())},
      {.name = "templates_dropped_total", .value = static_cast<double>(miner.forgotten())}};
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

struct TemplatesFilter::State {
  State(TemplatesFilter& f, Learned learned)
      : filter(f),
        known(std::move(learned)),
        file(f.world_.files, f.world_.name, [this](const auto& use) { known.with(use); }) {}
  ~State() { save(LearnedFile::When::last); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void save(LearnedFile::When when) {
    // It tells by itself, and tries again.
    (void)file.save(when, filter.world_.clock.now(), filter.options_.save_every);
    filter.unsaved_ = file.unsaved();
  }

  TemplatesFilter& filter;
  Guarded<Learned> known;
  LearnedFile file;
};

TemplatesFilter::TemplatesFilter(Options options, const logs::StageWorld& world)
    : options_(std::move(options)),
      world_(world),
      state_(world, [this]() -> Result<std::shared_ptr<State>> {
        return std::make_shared<State>(
            *this, TRY(Learned::open(world_.files, world_.state, options_.miner)));
      }) {}

Result<std::unique_ptr<TemplatesFilter>> TemplatesFilter::create(Options options,
                                                                 const logs::StageWorld& world) {
  std::unique_ptr<TemplatesFilter> filter(new TemplatesFilter(std::move(options), world));
  TRY(filter->state_.try_open());
  return filter;
}

TemplatesFilter::~TemplatesFilter() = default;

logs::Filtered TemplatesFilter::apply(logs::Batch batch, const std::stop_token& stop) {
  logs::Filtered out;
  const std::shared_ptr<State> state = state_.get(stop);
  if (!state) {
    unlabelled_ += batch.size();
    out.kept = std::move(batch);
    return out;
  }
  Buffer labels;
  std::vector<std::size_t> ends;  // of each record's label; the same as before: it has none
  ends.reserve(batch.size());
  std::uint64_t lines = 0;
  state->file.reserve(batch.size());
  state->known.with([&](Learned& known) {
    for (const logs::Entry entry : batch) {
      if (const auto line = line_in(entry.record, options_.label)) {
        write_label(known.miner(), known.learn(*line).id, options_.label, labels);
        ++lines;
      }
      ends.push_back(labels.size());
    }
  });
  state->file.note();
  lines_ += lines;
  without_ += batch.size() - lines;
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
  if (due == logs::Due::all) {
    state_.take();
  } else if (const std::shared_ptr<State> state = state_.now()) {
    state->save(LearnedFile::When::due);
  }
  return {};
}

std::vector<logs::Figure> TemplatesFilter::figures() const {
  std::vector<logs::Figure> figures;
  if (const std::shared_ptr<State> state = state_.now()) {
    figures = state->known.with(
        [&](const Learned& known) { return template_figures(known.miner(), options_.top); });
  }
  const auto put = [&](const char* name, std::uint64_t value) {
    figures.push_back({.name = name, .value = static_cast<double>(value)});
  };
  put("lines_total", lines_);
  put("lineless_total", without_);
  put("unlabelled_total", unlabelled_);
  put("unsaved_total", unsaved_);
  return figures;
}

}  // namespace quern::insight
