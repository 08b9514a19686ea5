// Graphs of tensors as a core module of WASI-NN sees them, on an engine without a library.
#include "guestapi/fakes.hpp"
#include "guestapi/guestapi.hpp"
#include "guestapi/nn_test_guest.hpp"

#include "tensor/fakes.hpp"
#include "tensor/graph_shelf.hpp"
#include <gtest/gtest.h>

#include <thread>

namespace quern::guestapi {
namespace {

constexpr std::uint32_t kOnnx = 1;
constexpr std::uint32_t kAutomatic = 5;
constexpr std::uint32_t kF32 = 1;

std::string bytes_of(const std::vector<float>& values) {
  return std::string(as_text(std::as_bytes(std::span(values))));
}

class NnTensorTest : public ::testing::Test {
 protected:
  NnTensorTest() {
    shelf.add("adder", {.path = "adder.onnx"});
    shelf.add("broken", {.path = "broken.txt"});
    shelf.add("secret", {.path = "secret.onnx"});
    grants.models = {"fake", "adder", "broken"};
  }
  static NnStatus set(NnGuest& guest, std::uint32_t index, const std::vector<float>& values) {
    return guest.set(index, bytes_of(values), kF32, static_cast<std::uint32_t>(values.size()));
  }

  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine(
      "fake", {{.when = "", .events = {inference::Content{"Hi."}}, .error = {}}});
  LoadedModels models{*engine};
  tensor::GraphShelf shelf{{tensor::fake_library()}};
  GuestApi api{models, nullptr, &shelf};
  Grants grants;
};

TEST_F(NnTensorTest, ComputesByIndex) {
  NnGuest guest(api, grants);
  guest.open({}, "adder");
  ASSERT_EQ(set(guest, 1, {10, 20}), NnStatus::success);  // stays
  for (const float first : {1.0F, 7.0F}) {
    ASSERT_EQ(set(guest, 0, {first, 2}), NnStatus::success);
    ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
    EXPECT_EQ(guest.output(0), bytes_of({first + 10, 22}));
  }
  EXPECT_EQ(guest.output(1), std::string("\2\0\0\0\0\0\0\0", 8));
  std::string out;
  EXPECT_EQ(guest.get("get_output", 2, out), NnStatus::invalid_argument);
  EXPECT_EQ(guest.get("get_output", 0, out, 7), NnStatus::too_large);
}

TEST_F(NnTensorTest, AModelAndAGraphSideBySide) {
  NnGuest guest(api, grants);
  guest.open();
  ASSERT_EQ(guest.set(0, "hello"), NnStatus::success);
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  EXPECT_EQ(guest.output(), "Hi.");
  guest.open({}, "adder");
  EXPECT_EQ(guest.call("compute_single", guest.context()), NnStatus::unsupported_operation);
}

TEST_F(NnTensorTest, OnlyWhatIsGrantedIsThere) {
  NnGuest guest(api, grants);
  EXPECT_EQ(guest.load("secret"), NnStatus::not_found);
  EXPECT_EQ(guest.load("nothing"), NnStatus::not_found);
  EXPECT_EQ(guest.load("broken"), NnStatus::invalid_encoding);
  EXPECT_EQ(guest.load("adder"), NnStatus::success);
  EXPECT_EQ(guest.bring("preload:adder", kOnnx), NnStatus::success);
  EXPECT_EQ(guest.bring("preload:adder", kAutomatic), NnStatus::success);
  EXPECT_EQ(guest.bring("preload:fake", kAutomatic), NnStatus::success) << "a GGML model";
  EXPECT_EQ(guest.bring("preload:secret", kOnnx), NnStatus::not_found);
}

TEST_F(NnTensorTest, AGraphOfTheGuestsOwnNeedsAGrant) {
  NnGuest poor(api, grants);
  EXPECT_EQ(poor.bring("ONNX", kOnnx), NnStatus::not_found);
  grants.graphs = Bytes{10};
  NnGuest guest(api, grants);
  ASSERT_EQ(guest.bring("ONNX", kOnnx), NnStatus::success);
  const std::uint32_t first = guest.u32(NnGuest::kGraph);
  ASSERT_EQ(guest.bring("ONNX", kAutomatic), NnStatus::success);
  EXPECT_EQ(guest.bring("ONNX", kOnnx), NnStatus::not_found) << "12 bytes together";
  ASSERT_EQ(guest.call("unload", first), NnStatus::success);
  EXPECT_EQ(guest.bring("ONNX", kOnnx), NnStatus::success);
  EXPECT_EQ(guest.bring("TF", kOnnx), NnStatus::invalid_encoding);
  EXPECT_EQ(guest.bring("GGUF", kAutomatic), NnStatus::unsupported_operation);
  EXPECT_EQ(guest.bring("ONNX", 3), NnStatus::invalid_encoding) << "PyTorch";
}

TEST_F(NnTensorTest, AGraphInOpenVinosOwnFormHasItsWeightsApart) {
  grants.graphs = Bytes{10};
  NnGuest guest(api, grants);
  EXPECT_EQ(guest.bring_ir("<net/>", "01234"), NnStatus::not_found) << "11 bytes together";
  EXPECT_EQ(guest.bring_ir("<net/>", "9876"), NnStatus::invalid_encoding);
  EXPECT_EQ(guest.bring_ir("<net/>", "0123"), NnStatus::success);
  EXPECT_EQ(guest.call("load", NnGuest::kTensor, 2, kOnnx, 0, NnGuest::kGraph),
            NnStatus::invalid_argument)
      << "ONNX has one part";
}

TEST_F(NnTensorTest, WhatAGraphIsWrittenInCanBeSeen) {
  grants.graphs = Bytes{64};
  NnGuest guest(api, grants);
  EXPECT_EQ(guest.bring("ONNX", 2), NnStatus::unsupported_operation)
      << "TensorFlow, which no library of this test reads";
  EXPECT_EQ(guest.bring("<net/>", kAutomatic), NnStatus::invalid_encoding)
      << "OpenVINO, without its weights";
  EXPECT_EQ(guest.bring(std::string_view("\x1c\0\0\0TFL3\0", 9), kAutomatic),
            NnStatus::unsupported_operation)
      << "TensorFlow Lite, which no library of this test reads";
}

TEST_F(NnTensorTest, TensorsThatDoNotFitAreRefused) {
  NnGuest guest(api, grants);
  guest.open({}, "adder");
  std::string out;
  EXPECT_EQ(guest.get("get_output", 0, out), NnStatus::invalid_argument) << "nothing computed";
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::invalid_argument) << "no inputs";
  EXPECT_EQ(set(guest, 2, {1}), NnStatus::invalid_argument) << "there are two";
  EXPECT_EQ(guest.set(0, "12345", kF32, 1), NnStatus::invalid_argument) << "five bytes";
  EXPECT_EQ(guest.set(0, std::string(8, '\0'), 5, 1), NnStatus::success) << "I64";
  EXPECT_EQ(guest.set(0, std::string(4, '\0'), 9, 1), NnStatus::invalid_argument) << "no type";
  EXPECT_EQ(guest.set(0, std::string(4, '\0'), 0xABCD'EF01U, 1), NnStatus::success)
      << "F32, with what lay behind it in memory";
}

TEST_F(NnTensorTest, TensorsAreBounded) {
  NnGuest guest(api, grants);
  guest.memory.resize(40U << 20U);
  guest.open({}, "adder");
  const std::uint32_t graph = guest.u32(NnGuest::kGraph);
  const std::vector<float> many(7U << 20U, 1.0F);  // 28 MiB
  EXPECT_EQ(set(guest, 0, many), NnStatus::success);
  EXPECT_EQ(set(guest, 0, many), NnStatus::success) << "in the same place";
  EXPECT_EQ(set(guest, 1, many), NnStatus::success);
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::too_large)
      << "84 MiB with its output";
  const std::uint32_t first = guest.context();
  ASSERT_EQ(guest.call("init_execution_context", graph, NnGuest::kContext), NnStatus::success);
  EXPECT_EQ(set(guest, 0, many), NnStatus::too_large);
  ASSERT_EQ(guest.call("finalize_execution_context", first), NnStatus::success);
  EXPECT_EQ(set(guest, 0, many), NnStatus::success);
}

TEST_F(NnTensorTest, AGuestThatEndsTakesItsComputationAlong) {
  NnGuest guest(api, grants);
  guest.open({}, "adder");
  ASSERT_EQ(set(guest, 0, {-1}), NnStatus::success);  // does not end
  ASSERT_EQ(set(guest, 1, {1}), NnStatus::success);
  ASSERT_EQ(guest.result_of("compute", guest.context()).value(), wasm::RawStatus::pending);
  guest.end();
  NnGuest next(api, grants);  // the lane is free again
  next.open({}, "adder");
  ASSERT_EQ(set(next, 0, {1}), NnStatus::success);
  ASSERT_EQ(set(next, 1, {2}), NnStatus::success);
  ASSERT_EQ(next.call("compute", next.context()), NnStatus::success);
  EXPECT_EQ(next.output(), bytes_of({3}));
}

}  // namespace
}  // namespace quern::guestapi
