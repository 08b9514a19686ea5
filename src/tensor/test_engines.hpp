// For tests: an engine on a real library, and what each of them owes, whichever library it is. Of a
// library `Kind` says
//
//     kName, kSetUp              what a skipped test tells: its name, the script that installs it
//     kUnfit                     why it does not run in this build; "": it does
//     folder()                   where set-up put it
//     kWithin, kLibrary          below site-packages: where the library lies, how its name begins
//     open(library)              the engine, of the library that lies there
//     load(engine, name)         a graph of deps/*_models.py in the form that is the engine's own
//     endless()                  the name of one that takes long, and what it is given
#pragma once

#include "base/fakes.hpp"
#include "base/files.hpp"

#include "tensor/fakes.hpp"
#include "tensor/tensor.hpp"
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace quern::tensor {

using Path = std::filesystem::path;

inline Tensor longs(std::vector<std::uint32_t> shape, const std::vector<std::int64_t>& values) {
  const ByteView view = std::as_bytes(std::span(values));
  return {.type = ElementType::i64, .shape = std::move(shape), .bytes = {view.begin(), view.end()}};
}

inline Buffer bytes_of_file(const Path& path) {
  RealFiles files;
  return files.read(path, 1_GiB).value();
}

// The one that set-up installed, whatever else this machine has.
template <class Kind>
Path library_of() {
  RealFiles files;
  const auto names_in = [&](const Path& folder) {
    const auto names = files.list(folder);
    return names.ok() ? *names : std::vector<std::string>();
  };
  for (const std::string& python : names_in(Kind::folder() / "lib")) {
    const Path libs = Kind::folder() / "lib" / python / "site-packages" / Kind::kWithin;
    for (const std::string& name : names_in(libs)) {
      if (name.starts_with(Kind::kLibrary)) return libs / name;
    }
  }
  return {};
}

template <class Kind>
class EngineTest : public ::testing::Test {
 protected:
  // One engine for all: its environment is the process's.
  static Engine* engine() {
    static const std::unique_ptr<Engine> opened = []() -> std::unique_ptr<Engine> {
      auto made = Kind::open(library_of<Kind>().string());
      EXPECT_TRUE(made.ok()) << made.error().describe();
      return made.ok() ? *std::move(made) : nullptr;
    }();
    return opened.get();
  }
  void SetUp() override {
    if (!std::string_view(Kind::kUnfit).empty()) GTEST_SKIP() << Kind::kName << Kind::kUnfit;
    if (library_of<Kind>().empty())
      GTEST_SKIP() << Kind::kName << " is not in " << Kind::folder() << " (" << Kind::kSetUp << ")";
    ASSERT_NE(engine(), nullptr);
  }
  static std::shared_ptr<Graph> load(const std::string& name) {
    return Kind::load(*engine(), name).value();
  }
};

template <class Kind>
class EngineContract : public EngineTest<Kind> {};
TYPED_TEST_SUITE_P(EngineContract);

TYPED_TEST_P(EngineContract, AddsByName) {
  const auto graph = this->load("sum");
  EXPECT_EQ(graph->inputs(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(graph->outputs(), (std::vector<std::string>{"sum", "shape"}));
  for (const std::uint32_t n : {0U, 1U, 5U, 1000U}) {  // the dimension is the caller's
    std::vector<float> a(n, 1.5F);
    const auto outputs = graph->compute({{"b", floats({n}, a)}, {"a", floats({n}, a)}}, {}).value();
    ASSERT_EQ(outputs.size(), 2U);
    EXPECT_EQ(outputs[0].name, "sum");
    EXPECT_EQ(outputs[0].tensor.shape, std::vector<std::uint32_t>{n});
    EXPECT_EQ(floats_of(outputs[0].tensor), std::vector<float>(n, 3.0F));
    EXPECT_EQ(outputs[1].tensor.bytes, longs({1}, {n}).bytes);
  }
}

TYPED_TEST_P(EngineContract, EachElementTypePassesThrough) {
  const auto graph = this->load("types");
  NamedTensors inputs;
  const std::pair<const char*, ElementType> kinds[] = {
      {"f16", ElementType::f16},   {"f32", ElementType::f32}, {"f64", ElementType::f64},
      {"bf16", ElementType::bf16}, {"u8", ElementType::u8},   {"i32", ElementType::i32},
      {"i64", ElementType::i64}};
  for (const auto& [name, type] : kinds) {
    Tensor tensor{.type = type, .shape = {2, 3}, .bytes = Buffer(6 * bytes_of(type))};
    for (std::size_t i = 0; i < tensor.bytes.size(); ++i) tensor.bytes[i] = std::byte(i % 61 + 1);
    // OpenVINO counts in 32 bits, and refuses more.
    if (type == ElementType::i64)
      tensor = longs({2, 3}, {0, 1, -1, 70'000, 2147483647, -2147483648});
    inputs.push_back({name, tensor});
  }
  const auto outputs = graph->compute(inputs, {}).value();
  ASSERT_EQ(outputs.size(), inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(outputs[i].name, inputs[i].name + "_out");
    EXPECT_EQ(outputs[i].tensor.type, inputs[i].tensor.type);
    EXPECT_EQ(outputs[i].tensor.shape, inputs[i].tensor.shape);
    EXPECT_EQ(outputs[i].tensor.bytes, inputs[i].tensor.bytes) << inputs[i].name;
  }
}

TYPED_TEST_P(EngineContract, ASingleValueHasOneDimensionOutsideAndStaysAsItIs) {
  const auto graph = this->load("scalar");
  const NamedTensors inputs = {{"x", floats({1}, {2.0F})}};
  for (int i = 0; i < 2; ++i) {
    const auto outputs = graph->compute(inputs, {}).value();
    EXPECT_EQ(outputs.front().tensor.shape, std::vector<std::uint32_t>{1});
    EXPECT_EQ(floats_of(outputs.front().tensor), std::vector<float>{-2.0F});
  }
}

TYPED_TEST_P(EngineContract, InputsThatDoNotFitAreTheCallersFault) {
  const auto graph = this->load("sum");
  const Tensor one = floats({1}, {1});
  const Tensor two = floats({2}, {1, 2});
  const NamedTensors wrong[] = {{},
                                {{"a", one}},
                                {{"a", one}, {"c", one}},
                                {{"a", one}, {"a", one}},
                                {{"a", one}, {"b", longs({1}, {1})}},
                                {{"a", floats({1, 1}, {1})}, {"b", one}},
                                {{"a", one}, {"b", floats({3}, {1})}},
                                {{"a", floats({3}, {1})}, {"b", one}}};
  for (const NamedTensors& inputs : wrong) {
    const auto outputs = graph->compute(inputs, {});
    ASSERT_FALSE(outputs.ok());
    EXPECT_EQ(outputs.error().kind(), ErrorKind::invalid_argument) << outputs.error().describe();
  }
  EXPECT_TRUE(graph->compute({{"a", two}, {"b", two}}, {}).ok()) << "after all that";
}

TYPED_TEST_P(EngineContract, OutputsAreBounded) {
  const auto graph = this->load("large");
  EXPECT_TRUE(graph->compute({{"size", longs({1}, {16LL << 20})}}, {}).ok());  // 64 MiB
  const auto outputs = graph->compute({{"size", longs({1}, {(16LL << 20) + 1})}}, {});
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().kind(), ErrorKind::resource_exhausted) << outputs.error().describe();
}

TYPED_TEST_P(EngineContract, WhatTakesLongIsEnded) {
  const auto [name, inputs] = TypeParam::endless();
  const auto graph = this->load(name);
  std::stop_source stop;
  std::atomic<bool> ended{false};
  const std::clock_t before = std::clock();
  const std::jthread computing([&, given = inputs] {
    const auto outputs = graph->compute(given, stop.get_token());
    EXPECT_EQ(outputs.ok() ? ErrorKind::internal : outputs.error().kind(), ErrorKind::cancelled);
    ended = true;
  });
  // It computes, for longer than any beginning takes; this thread sleeps.
  while (!ended && std::clock() - before < CLOCKS_PER_SEC / 5) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_FALSE(ended);
  stop.request_stop();
}

TYPED_TEST_P(EngineContract, ASentenceEncoderGivesVectorsOfLengthOne) {
  const std::vector<std::uint32_t> shape = {2, 4};
  const NamedTensors inputs = {
      {"input_ids", longs(shape, {101, 4937, 102, 0, 101, 2482, 3193, 102})},
      {"attention_mask", longs(shape, {1, 1, 1, 0, 1, 1, 1, 1})},
      {"token_type_ids", longs(shape, std::vector<std::int64_t>(8))}};
  const auto outputs = this->load("minilm")->compute(inputs, {}).value();
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[0].tensor.shape, (std::vector<std::uint32_t>{2, 4, 384}));
  EXPECT_EQ(outputs[1].tensor.shape, (std::vector<std::uint32_t>{2, 384}));
  const std::vector<float> vectors = floats_of(outputs[1].tensor);
  float length = 0;
  for (std::size_t i = 0; i < 384; ++i) length += vectors[i] * vectors[i];
  EXPECT_NEAR(length, 1.0F, 1e-4F);
}

REGISTER_TYPED_TEST_SUITE_P(EngineContract, AddsByName, EachElementTypePassesThrough,
                            ASingleValueHasOneDimensionOutsideAndStaysAsItIs,
                            InputsThatDoNotFitAreTheCallersFault, OutputsAreBounded,
                            WhatTakesLongIsEnded, ASentenceEncoderGivesVectorsOfLengthOne);

}  // namespace quern::tensor
