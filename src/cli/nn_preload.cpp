#include "cli/nn_preload.hpp"

#include "base/log.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace quern::cli {
namespace {

constexpr std::array kOffered = {std::string_view("ggml"), std::string_view("onnx"),
                                 std::string_view("autodetect")};
constexpr std::array kElsewhere = {
    std::string_view("openvino"),       std::string_view("tensorflow"),
    std::string_view("pytorch"),        std::string_view("pytorchaoti"),
    std::string_view("tensorflowlite"), std::string_view("neuralspeed"),
    std::string_view("whisper"),        std::string_view("mlx"),
    std::string_view("piper"),          std::string_view("chattts"),
    std::string_view("openvinogenai"),  std::string_view("bitnet")};
constexpr std::array kTargets = {std::string_view("cpu"), std::string_view("gpu"),
                                 std::string_view("tpu"), std::string_view("auto")};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Failure wrong(std::string_view text, const std::string& what, ErrorKind kind) {
  return fail(kind, "\"" + std::string(text) + "\": " + what +
                        " (NAME:ENCODING:AUTO:FILE, as in default:GGML:AUTO:model.gguf)");
}

}  // namespace

Result<Preload> parse_preload(std::string_view text) {
  std::array<std::string, 3> words;
  std::string_view rest = text;
  for (std::string& word : words) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) {
      return wrong(text, "there are not four parts", ErrorKind::invalid_argument);
    }
    word = std::string(rest.substr(0, colon));
    rest.remove_prefix(colon + 1);
  }
  if (words[0].empty() || rest.empty()) {
    return wrong(text, words[0].empty() ? "the name is missing" : "the file is missing",
                 ErrorKind::invalid_argument);
  }
  const std::string encoding = to_lower(words[1]);
  if (is_one_of(kElsewhere, encoding)) {
    return wrong(text, "models of " + words[1] + " are not offered", ErrorKind::unsupported);
  }
  if (!is_one_of(kOffered, encoding)) {
    return wrong(text, "there is no encoding \"" + words[1] + "\"", ErrorKind::invalid_argument);
  }
  if (!is_one_of(kTargets, to_lower(words[2]))) {
    return wrong(text, "\"" + words[2] + "\" is none of cpu, gpu, tpu and auto",
                 ErrorKind::invalid_argument);
  }
  const bool onnx = encoding == "onnx" || (encoding == "autodetect" && rest.ends_with(".onnx"));
  return Preload{.name = words[0],
                 .path = std::string(rest),
                 .kind = onnx ? Preload::Kind::onnx : Preload::Kind::ggml};
}

void add_preload(ModelOptions& model, Preload preload) {
  auto& kind = preload.kind == Preload::Kind::onnx ? model.graphs : model.preloads;
  kind.push_back(std::move(preload));
}

void add_environment(ModelOptions& model, const Process& process) {
  const auto text = process.env(kPreloadVariable);
  if (!text) return;
  Result<Preload> preload = parse_preload(*text);
  if (preload) return add_preload(model, *std::move(preload));
  log::warn("cli",
            std::string(kPreloadVariable) + " is passed over: " + preload.error().describe());
}

Result<> check_names(const ModelOptions& model, const std::vector<std::string>& models) {
  std::set<std::string> seen(models.begin(), models.end());
  for (const auto* const kind : {&model.preloads, &model.graphs}) {
    for (const Preload& preload : *kind) {
      if (seen.insert(preload.name).second) continue;
      return fail(ErrorKind::invalid_argument,
                  "two models are called \"" + preload.name + "\"; give one another name");
    }
  }
  return {};
}

void put_on_shelf(const ModelOptions& model, tensor::GraphShelf& shelf) {
  for (const Preload& graph : model.graphs) shelf.add(graph.name, graph.path);
}

void grant_preloads(const ModelOptions& model, guestapi::Grants& grants) {
  for (const Preload& preload : model.preloads) {
    grants.models.insert(grants.models.end(), {preload.name, preload.path});
  }
  for (const Preload& graph : model.graphs) grants.models.push_back(graph.name);
}

}  // namespace quern::cli
