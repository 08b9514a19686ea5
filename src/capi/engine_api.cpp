// Engines, models, tokens.
#include "base/home.hpp"
#include "base/log.hpp"
#include "capi/boundary.hpp"
#include "capi/members.hpp"
#include "capi/objects.hpp"
#include "capi/request.hpp"
#include "catalog/catalog.hpp"
#include "http/http.hpp"

#include "loader/loader.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <span>

namespace quern::capi {
namespace {

constexpr std::chrono::milliseconds kBetweenReports{100};

// A library says less than a program: at first only what went wrong.
std::atomic<bool> log_level_chosen{false};

struct EngineChoice {
  inference::EngineOptions options;
  std::optional<std::string> fake_script;
  std::vector<AdapterChoice> adapters;
};

Result<std::vector<AdapterChoice>> read_adapters(Members& members) {
  std::vector<AdapterChoice> adapters;
  const Json* const list = TRY(members.list("adapters"));
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    Members member = TRY(Members::of((*list)[i], "adapters[" + std::to_string(i) + "]"));
    AdapterChoice choice{.file = TRY(member.required_text("file"))};
    choice.scale = TRY(member.number("scale")).value_or(1);
    if (!std::isfinite(choice.scale) || choice.scale == 0) {
      return member.wrong("scale", "is no number, or 0");
    }
    TRY(member.no_others());
    adapters.push_back(std::move(choice));
  }
  return adapters;
}

Result<EngineChoice> read_engine_options(const char* text) {
  EngineChoice choice;
  if (text == nullptr) return choice;
  const Json value = TRY(parse_object(text, "the options"));
  Members members = TRY(Members::of(value, ""));
  inference::EngineOptions& options = choice.options;
  options.context_tokens = TRY(members.count("context_tokens")).value_or(options.context_tokens);
  options.threads = TRY(members.count("threads")).value_or(options.threads);
  options.max_running = TRY(members.count("max_running")).value_or(options.max_running);
  options.max_waiting = TRY(members.count("max_waiting")).value_or(options.max_waiting);
  options.cache_tokens = TRY(members.count("cache_tokens")).value_or(options.cache_tokens);
  if (const Json* const script = TRY(members.list("fake_script"))) {
    choice.fake_script = to_text(*script);
  }
  choice.adapters = TRY(read_adapters(members));
  if (choice.fake_script && !choice.adapters.empty()) {
    return members.wrong("adapters", "need weights, which a script has not");
  }
  TRY(members.no_others());
  return choice;
}

Result<std::unique_ptr<inference::Engine>> make_engine(const EngineChoice& choice) {
  if (!choice.fake_script) return inference::Engine::create_local(choice.options);
  auto lines = TRY(inference::parse_fake_script(*choice.fake_script).context("fake_script"));
  return inference::make_fake_engine("fake", std::move(lines));
}

// Passes a download's progress on, now and then, and takes "no more" back.
class Reporter {
 public:
  Reporter(quern_progress report, void* context) : report_(report), context_(context) {}
  void operator()(const catalog::Progress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (report_ == nullptr || now - last_ < kBetweenReports) return;
    last_ = now;
    if (report_(context_, progress.source.c_str(), progress.done, progress.total) != 0) {
      stop_.request_stop();
    }
  }
  std::stop_token token() const { return stop_.get_token(); }

 private:
  const quern_progress report_;
  void* const context_;
  std::chrono::steady_clock::time_point last_{};
  std::stop_source stop_;
};

// On this disk; fetched now where it is not.
Result<loader::Found> find_model(std::string_view reference,
                                 const std::vector<AdapterChoice>& adapters, Reporter& reporter) {
  SystemClock clock;
  RealFiles files;
  const RealProcess process;
  const Home home = TRY(find_home(process));
  const std::unique_ptr<Network> network = http::make_client({});
  catalog::Catalog catalog({.store = home.models, .folders = home.more_models}, *network,
                           {files, clock, process});
  loader::Found found = TRY(loader::find(
      reference, {.catalog = catalog, .network = *network, .files = files, .process = process},
      reporter.token(), [&](const catalog::Progress& progress) { reporter(progress); }));
  if (found.pack && !adapters.empty()) {
    return fail(ErrorKind::invalid_argument,
                std::string(reference) + " is a pack, which names its adapters itself");
  }
  for (const AdapterChoice& adapter : adapters) {
    found.adapters.push_back(
        TRY(loader::find_adapter(adapter.file, adapter.scale, catalog, reporter.token())));
  }
  return found;
}

Result<std::shared_ptr<inference::Model>> load(const EngineObject& object,
                                               const std::string& reference, Reporter& reporter) {
  inference::Engine& engine = object.engine();
  if (auto here = engine.find(reference); here.ok()) return here;
  loader::Found found = TRY(find_model(reference, object.adapters(), reporter));
  if (found.weights.digest.empty()) {
    found.weights.name = object.file_names().lock()->of(found.weights);
  }
  return loader::open(engine, found);
}

std::string as_json(const inference::ModelInfo& info) {
  return to_text({{"name", info.name},
                  {"architecture", info.architecture},
                  {"parameters", info.parameters},
                  {"size_bytes", info.size.count},
                  {"context_tokens", info.context_tokens},
                  {"embedding_length", info.embedding_length},
                  {"vocabulary", info.vocabulary},
                  {"chat", info.chat},
                  {"digest", info.digest},
                  {"created", info.created}});
}

std::string as_json(const inference::ModelLoad& load) {
  return to_text({{"running", load.running},
                  {"waiting", load.waiting},
                  {"cached_tokens", load.cached_tokens},
                  {"prompt_tokens_total", load.prompt_tokens_total},
                  {"cached_prompt_tokens_total", load.cached_prompt_tokens_total},
                  {"completion_tokens_total", load.completion_tokens_total},
                  {"embedded_tokens_total", load.embedded_tokens_total}});
}

}  // namespace
}  // namespace quern::capi

// ---- what quern.h promises -----------------------------------------------------------------

using namespace quern;        // NOLINT(google-build-using-namespace): definitions of C functions
using namespace quern::capi;  // NOLINT(google-build-using-namespace)

const char* quern_version(void) { return QUERN_VERSION; }

void quern_free(void* memory) { std::free(memory); }

quern_status quern_log_level(const char* level, char** why) {
  return cross(why, [&]() -> Outcome {
    TRY(needed(level, "level"));
    log::set_level(TRY(log::parse_level(level)));
    log_level_chosen = true;
    return {};
  });
}

quern_status quern_engine_open(const char* options, quern_engine* engine, char** why) {
  if (engine != nullptr) *engine = 0;
  return cross(why, [&]() -> Outcome {
    TRY(needed(engine, "engine"));
    const EngineChoice choice = TRY(read_engine_options(options));
    if (!log_level_chosen.exchange(true)) log::set_level(log::Level::warn);
    auto made = TRY(make_engine(choice));
    claim_process();
    *engine = TRY(open_handle(std::make_shared<EngineObject>(std::move(made), choice.adapters), 0));
    return {};
  });
}

quern_status quern_engine_device(quern_engine engine, char** text, char** why) {
  if (text != nullptr) *text = nullptr;
  return cross(why, [&]() -> Outcome {
    TRY(needed(text, "text"));
    const auto found = TRY(find<EngineObject>(engine));
    *text = copy_out(found->engine().device());
    return {};
  });
}

quern_status quern_model_load(quern_engine engine, const char* reference, quern_progress progress,
                              void* context, quern_model* model, char** why) {
  if (model != nullptr) *model = 0;
  return cross(why, [&]() -> Outcome {
    TRY(needed(reference, "reference"));
    TRY(needed(model, "model"));
    const auto found = TRY(find<EngineObject>(engine));
    Reporter reporter(progress, context);
    auto loaded = TRY(load(*found, reference, reporter));
    *model = TRY(open_handle(std::make_shared<ModelObject>(std::move(loaded), engine), engine));
    return {};
  });
}

quern_status quern_model_info(quern_model model, char** json, char** why) {
  if (json != nullptr) *json = nullptr;
  return cross(why, [&]() -> Outcome {
    TRY(needed(json, "json"));
    const auto found = TRY(find<ModelObject>(model));
    *json = copy_out(as_json(found->model()->info()));
    return {};
  });
}

quern_status quern_model_activity(quern_model model, char** json, char** why) {
  if (json != nullptr) *json = nullptr;
  return cross(why, [&]() -> Outcome {
    TRY(needed(json, "json"));
    const auto found = TRY(find<ModelObject>(model));
    *json = copy_out(as_json(found->model()->load()));
    return {};
  });
}

quern_status quern_model_tokenize(quern_model model, const char* text, size_t size, int special,
                                  int32_t** tokens, size_t* count, char** why) {
  if (tokens != nullptr) *tokens = nullptr;
  if (count != nullptr) *count = 0;
  return cross(why, [&]() -> Outcome {
    TRY(needed(text, "text"));
    TRY(needed(tokens, "tokens"));
    TRY(needed(count, "count"));
    const auto found = TRY(find<ModelObject>(model));
    const auto made = TRY(found->model()->tokenize({text, size}, special != 0));
    *tokens = copy_out_array(std::span(made));
    *count = made.size();
    return {};
  });
}

quern_status quern_model_detokenize(quern_model model, const int32_t* tokens, size_t count,
                                    char** text, size_t* size, char** why) {
  if (text != nullptr) *text = nullptr;
  if (size != nullptr) *size = 0;
  return cross(why, [&]() -> Outcome {
    TRY(needed(tokens, "tokens"));
    TRY(needed(text, "text"));
    TRY(needed(size, "size"));
    const auto found = TRY(find<ModelObject>(model));
    const std::string said = TRY(found->model()->detokenize({tokens, tokens + count}));
    *text = copy_out(said);
    *size = said.size();
    return {};
  });
}

quern_status quern_model_count_tokens(quern_model model, const char* request, size_t size,
                                      uint32_t* tokens, char** why) {
  if (tokens != nullptr) *tokens = 0;
  return cross(why, [&]() -> Outcome {
    TRY(needed(request, "request"));
    TRY(needed(tokens, "tokens"));
    const auto found = TRY(find<ModelObject>(model));
    const auto asked = TRY(read_chat_request({request, size}));
    *tokens = TRY(found->model()->count_tokens(asked.request));
    return {};
  });
}
