#include "cli/nn_preload.hpp"

#include "base/log.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace quern::cli {
namespace {

struct Graphs {
  std::string_view word;    // the encoding, as WasmEdge writes it
  std::string_view ending;  // of a file that is to be detected
  tensor::Encoding encoding;
};
constexpr std::array kGraphs = {
    Graphs{"openvino", ".xml", tensor::Encoding::openvino},
    Graphs{"onnx", ".onnx", tensor::Encoding::onnx},
    Graphs{"tensorflow", ".pb", tensor::Encoding::tensorflow},
    Graphs{"tensorflowlite", ".tflite", tensor::Encoding::tensorflow_lite},
};
constexpr std::string_view kGgml = "ggml";
constexpr std::string_view kDetected = "autodetect";
constexpr std::array kElsewhere = {
    std::string_view("pytorch"), std::string_view("pytorchaoti"),   std::string_view("neuralspeed"),
    std::string_view("whisper"), std::string_view("mlx"),           std::string_view("piper"),
    std::string_view("chattts"), std::string_view("openvinogenai"), std::string_view("bitnet")};
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

std::optional<tensor::Encoding> encoding_of(std::string_view word, std::string_view path) {
  for (const Graphs& graphs : kGraphs) {
    const bool meant = word == kDetected ? path.ends_with(graphs.ending) : word == graphs.word;
    if (meant) return graphs.encoding;
  }
  return std::nullopt;
}

// An OpenVINO graph may be two files, as WasmEdge writes them: MODEL.xml:MODEL.bin.
void split_weights(Preload& preload) {
  constexpr std::string_view kBetween = ".xml:";
  const std::size_t at = preload.path.rfind(kBetween);
  if (preload.encoding != tensor::Encoding::openvino || at == std::string::npos) return;
  preload.weights = preload.path.substr(at + kBetween.size());
  preload.path.resize(at + kBetween.size() - 1);
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
  Preload preload{
      .name = words[0], .path = std::string(rest), .encoding = encoding_of(encoding, rest)};
  if (!preload.encoding && encoding != kGgml && encoding != kDetected) {
    return wrong(text, "there is no encoding \"" + words[1] + "\"", ErrorKind::invalid_argument);
  }
  if (!is_one_of(kTargets, to_lower(words[2]))) {
    return wrong(text, "\"" + words[2] + "\" is none of cpu, gpu, tpu and auto",
                 ErrorKind::invalid_argument);
  }
  split_weights(preload);
  return preload;
}

void add_preload(ModelOptions& model, Preload preload) {
  auto& kind = preload.encoding ? model.graphs : model.preloads;
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
  for (const Preload& graph : model.graphs) {
    shelf.add(graph.name,
              {.encoding = *graph.encoding, .path = graph.path, .weights = graph.weights});
  }
}

void grant_preloads(const ModelOptions& model, guestapi::Grants& grants) {
  for (const Preload& preload : model.preloads) {
    grants.models.insert(grants.models.end(), {preload.name, preload.path});
  }
  for (const Preload& graph : model.graphs) grants.models.push_back(graph.name);
}

}  // namespace quern::cli
