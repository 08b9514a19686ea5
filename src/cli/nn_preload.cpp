#include "cli/nn_preload.hpp"

#include "base/log.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace quern::cli {
namespace {

constexpr std::array kOffered = {std::string_view("ggml"), std::string_view("autodetect")};
constexpr std::array kElsewhere = {
    std::string_view("openvino"),    std::string_view("onnx"),
    std::string_view("tensorflow"),  std::string_view("pytorch"),
    std::string_view("pytorchaoti"), std::string_view("tensorflowlite"),
    std::string_view("neuralspeed"), std::string_view("whisper"),
    std::string_view("mlx"),         std::string_view("piper"),
    std::string_view("chattts"),     std::string_view("openvinogenai"),
    std::string_view("bitnet")};
constexpr std::array kTargets = {std::string_view("cpu"), std::string_view("gpu"),
                                 std::string_view("tpu"), std::string_view("auto")};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Failure wrong(std::string_view text, const std::string& what, ErrorKind kind) {
  return fail(kind, "\"" + std::string(text) + "\": " + what +
                        " (NAME:GGML:AUTO:FILE, as in default:GGML:AUTO:model.gguf)");
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
  return Preload{.name = words[0], .path = std::string(rest)};
}

Result<> complete_preloads(std::vector<Preload>& preloads, const Process& process) {
  if (const auto text = process.env(kPreloadVariable)) {
    Result<Preload> preload = parse_preload(*text);
    if (preload) {
      preloads.push_back(*std::move(preload));
    } else {
      log::warn("cli",
                std::string(kPreloadVariable) + " is passed over: " + preload.error().describe());
    }
  }
  for (auto each = preloads.begin(); each != preloads.end(); ++each) {
    TRY(check_names({preloads.begin(), each}, each->name));
  }
  return {};
}

Result<> check_names(const std::vector<Preload>& preloads, std::string_view model) {
  for (const Preload& preload : preloads) {
    if (preload.name != model) continue;
    return fail(ErrorKind::invalid_argument,
                "two models are called \"" + preload.name + "\"; give one another name");
  }
  return {};
}

}  // namespace quern::cli
