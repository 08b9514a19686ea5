// A small llama2.c checkpoint made from a fixed seed, and its vocabulary, for tests.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::inference::testing {

class TestCheckpoint {
 public:
  static constexpr std::uint32_t kWide = 48, kHidden = 80, kLayers = 2, kHeads = 6, kKvHeads = 2,
                                 kWords = 300, kContext = 64, kHeadWide = kWide / kHeads,
                                 kGroup = 16;
  enum class Classifier : std::uint8_t { shared, own };

  explicit TestCheckpoint(std::uint32_t version, Classifier classifier)
      : version_(version), classifier_(classifier) {
    constexpr std::uint32_t kKvWide = kKvHeads * kHeadWide;
    norms("attention_norm"), norms("ffn_norm"), make("norm", kWide, 1.F, 0.1F);
    make("embedding", kWords * kWide, 0.F, 0.6F);
    for (const auto& [name, size] : {std::pair{"wq", kWide * kWide},
                                     {"wk", kWide * kKvWide},
                                     {"wv", kWide * kKvWide},
                                     {"wo", kWide * kWide},
                                     {"w1", kWide * kHidden},
                                     {"w2", kHidden * kWide},
                                     {"w3", kWide * kHidden}}) {
      make(name, kLayers * size, 0.F, 0.25F);
    }
    if (classifier_ == Classifier::own) make("output", kWords * kWide, 0.F, 0.6F);
  }

  // All layers of one kind, one after the other; what version 2 stores, multiplied out.
  const std::vector<float>& operator[](const std::string& name) const { return tensors_.at(name); }
  // Changes a matrix of one layer, as an adapter that was merged. Not in version 2.
  void add(const std::string& name, std::uint32_t layer, const std::vector<float>& delta) {
    auto& values = tensors_.at(name);
    for (std::size_t i = 0; i < delta.size(); ++i) values[layer * delta.size() + i] += delta[i];
  }
  const std::vector<float>& classifier() const {
    return (*this)[classifier_ == Classifier::own ? "output" : "embedding"];
  }

  std::string bytes() const {
    std::string out;
    if (version_ == 0) {
      header(out);
      for (const char* name : {"embedding", "attention_norm", "wq", "wk", "wv", "wo", "ffn_norm",
                               "w1", "w2", "w3", "norm"}) {
        floats(out, tensors_.at(name));
      }
      floats(out, std::vector<float>(kContext * kHeadWide));
    } else {
      number(out, std::uint32_t{0x616b3432});
      number(out, version_);
      header(out);
      out.push_back(classifier_ == Classifier::shared ? 1 : 0);
      if (version_ == 2) number(out, kGroup);
      out.resize(256);
      for (const char* name : {"attention_norm", "ffn_norm", "norm"}) floats(out, (*this)[name]);
      for (const char* name : {"embedding", "wq", "wk", "wv", "wo", "w1", "w2", "w3"}) {
        matrix(out, name);
      }
    }
    if (classifier_ == Classifier::own) matrix(out, "output");
    return out;
  }

  // Three control words, the bytes, a space, letters, and words that nothing is made of.
  static std::string words(std::uint32_t count = kWords) {
    std::string out;
    number(out, std::uint32_t{16});
    for (std::uint32_t token = 0; token < count; ++token) {
      const std::string word = word_of(token);
      number(out, -static_cast<float>(token));
      number(out, static_cast<std::uint32_t>(word.size()));
      out += word;
    }
    return out;
  }

 private:
  static std::string word_of(std::uint32_t token) {
    if (token < 3) return std::vector<std::string>{"<unk>", "\n<s>\n", "\n</s>\n"}[token];
    if (token < 259) {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const std::uint32_t byte = token - 3;
      return std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + '>';
    }
    if (token == 259) return " ";
    if (token < 286) return {static_cast<char>('a' + token - 260)};
    return token == 286 ? "he" : " w" + std::to_string(token);
  }

  template <class Number>
  static void number(std::string& out, Number value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static void floats(std::string& out, const std::vector<float>& values) {
    for (const float value : values) number(out, value);
  }
  void header(std::string& out) const {
    const bool negative = version_ == 0 && classifier_ == Classifier::own;
    for (const std::uint32_t value : {kWide, kHidden, kLayers, kHeads, kKvHeads}) {
      number(out, value);
    }
    number(out, negative ? -static_cast<std::int32_t>(kWords) : static_cast<std::int32_t>(kWords));
    number(out, kContext);
  }
  // In version 2 a layer's integers come before its factors.
  void matrix(std::string& out, const std::string& name) const {
    if (version_ != 2) return floats(out, (*this)[name]);
    const bool layered = name.front() == 'w';
    const auto& values = integers_.at(name);
    const std::size_t layer = values.size() / (layered ? kLayers : 1);
    for (std::size_t begin = 0; begin < values.size(); begin += layer) {
      for (std::size_t i = 0; i < layer; ++i) number(out, values[begin + i]);
      for (std::size_t i = 0; i < layer / kGroup; ++i) {
        number(out, factors_.at(name)[begin / kGroup + i]);
      }
    }
  }
  void norms(const std::string& name) { make(name, kLayers * kWide, 1.F, 0.1F); }

  void make(const std::string& name, std::uint32_t size, float middle, float spread) {
    std::uniform_real_distribution<float> chance(middle - spread, middle + spread);
    auto& values = tensors_[name];
    for (std::uint32_t i = 0; i < size; ++i) values.push_back(chance(random_));
    if (version_ == 2 && name.find("norm") == std::string::npos) quantize(name);
  }
  void quantize(const std::string& name) {
    auto& values = tensors_[name];
    for (std::size_t begin = 0; begin < values.size(); begin += kGroup) {
      float most = 0;
      for (std::size_t i = 0; i < kGroup; ++i) most = std::max(most, std::abs(values[begin + i]));
      const float factor = most / 127;
      factors_[name].push_back(factor);
      for (std::size_t i = 0; i < kGroup; ++i) {
        const float rounded = std::round(values[begin + i] / factor);
        integers_[name].push_back(static_cast<std::int8_t>(rounded));
        values[begin + i] = rounded * factor;
      }
    }
  }

  std::uint32_t version_;
  Classifier classifier_;
  std::mt19937 random_{42};
  std::map<std::string, std::vector<float>> tensors_;
  std::map<std::string, std::vector<std::int8_t>> integers_;
  std::map<std::string, std::vector<float>> factors_;
};

// A folder with a checkpoint and its vocabulary in it, gone with this.
class CheckpointFolder {
 public:
  CheckpointFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "quern-checkpoint-XXXXXX");
    path_ = ::mkdtemp(name.data());
  }
  CheckpointFolder(const CheckpointFolder&) = delete;
  CheckpointFolder& operator=(const CheckpointFolder&) = delete;
  ~CheckpointFolder() { std::filesystem::remove_all(path_); }

  std::filesystem::path put(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace quern::inference::testing
