// wasi:nn as a component sees it, on an engine without a library and a model that speaks from a
// script.
#include "guestapi/fakes.hpp"
#include "guestapi/test_guest.hpp"

#include "tensor/fakes.hpp"
#include "tensor/graph_shelf.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace quern::guestapi {
namespace {

using tensor::ElementType;
using tensor::floats;
using tensor::Tensor;
using ::testing::HasSubstr;

constexpr std::uint32_t kOnnx = 1;
constexpr std::uint32_t kGgml = 5;
constexpr std::uint32_t kAutomatic = 6;

enum Code : std::uint32_t {
  invalid_argument,
  invalid_encoding,
  timeout,
  runtime_error,
  unsupported_operation,
  too_large,
  not_found,
  security,
  unknown
};

// The calls of one component.
class Component {
 public:
  Component(const GuestApi& api, const Grants& grants) : guest_(api, grants) {}

  std::uint32_t tensor(const Tensor& tensor) const {
    const Answer answer = guest_.call("[constructor]tensor", arguments(tensor));
    EXPECT_EQ(answer.kind, Answer::Kind::resolved) << answer.trap;
    return answer.kind == Answer::Kind::resolved ? answer.reader().resource() : 0;
  }
  std::string trap_of(const Tensor& tensor) const {
    return guest_.call("[constructor]tensor", arguments(tensor)).trap;
  }
  Tensor read(std::uint32_t id) const {
    Tensor tensor;
    const Answer shape = guest_.call("[method]tensor.dimensions", handle_argument(id));
    auto in = shape.reader();
    for (std::uint32_t left = in.count(); left > 0; --left) tensor.shape.push_back(in.u32());
    const Answer type = guest_.call("[method]tensor.ty", handle_argument(id));
    tensor.type = static_cast<ElementType>(type.reader().discriminant());
    const Answer data = guest_.call("[method]tensor.data", handle_argument(id));
    const ByteView bytes = data.reader().bytes();
    tensor.bytes.assign(bytes.begin(), bytes.end());
    return tensor;
  }
  Answer load(std::string_view name) const {
    wasm::ValueWriter out;
    return guest_.call("load-by-name", out.text(name));
  }
  Answer bring(std::string_view bytes, std::uint32_t encoding, std::uint32_t target = 0) const {
    wasm::ValueWriter out;
    return guest_.call("load",
                       out.count(1).text(bytes).discriminant(encoding).discriminant(target));
  }
  std::uint32_t context(std::string_view name) const { return context_of(graph(load(name))); }
  static std::uint32_t graph(const Answer& loaded) {
    auto in = loaded.reader();
    EXPECT_TRUE(in.present());
    return in.resource();
  }
  std::uint32_t context_of(std::uint32_t graph) const {
    const Answer made = guest_.call("[method]graph.init-execution-context", handle_argument(graph));
    auto out = made.reader();
    EXPECT_TRUE(out.present());
    return out.resource();
  }
  using Named = std::vector<std::pair<std::string, std::uint32_t>>;
  static wasm::ValueWriter inputs(std::uint32_t context, const Named& named) {
    wasm::ValueWriter out;
    out.resource(context).count(named.size());
    for (const auto& [name, id] : named) out.text(name).resource(id);
    return out;
  }
  Answer compute(std::uint32_t context, const Named& named) const {
    return guest_.call("[method]graph-execution-context.compute", inputs(context, named));
  }
  std::map<std::string, Tensor> outputs(const Answer& answer) const {
    std::map<std::string, Tensor> tensors;
    EXPECT_EQ(answer.kind, Answer::Kind::resolved) << answer.trap;
    auto in = answer.reader();
    if (!in.present()) {
      ADD_FAILURE() << "an error";
      return tensors;
    }
    for (std::uint32_t left = in.count(); left > 0; --left) {
      const std::string name(in.text());
      tensors[name] = read(in.resource());
    }
    return tensors;
  }
  // The code and words of a result<_, error>.
  std::pair<std::uint32_t, std::string> error(const Answer& answer) const {
    EXPECT_EQ(answer.kind, Answer::Kind::resolved) << answer.trap;
    auto in = answer.reader();
    if (answer.kind != Answer::Kind::resolved || in.present()) return {unknown, "no error"};
    const std::uint32_t id = in.resource();
    const Answer code = guest_.call("[method]error.code", handle_argument(id));
    const Answer data = guest_.call("[method]error.data", handle_argument(id));
    guest_.drop("error", id);
    return {code.reader().discriminant(), std::string(data.reader().text())};
  }
  TestGuest& guest() { return guest_; }

 private:
  static wasm::ValueWriter arguments(const Tensor& tensor) {
    wasm::ValueWriter out;
    out.count(tensor.shape.size());
    for (const std::uint32_t size : tensor.shape) out.u32(size);
    return out.discriminant(static_cast<std::uint32_t>(tensor.type)).bytes(tensor.bytes);
  }
  TestGuest guest_;
};

class NnComponentTest : public ::testing::Test {
 protected:
  NnComponentTest() {
    shelf.add("adder", {.path = "adder.onnx"});
    shelf.add("broken", {.path = "broken.txt"});
    shelf.add("secret", {.path = "secret.onnx"});
    grants.models = {"gemma", "adder", "broken"};
  }

  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine(
      "gemma", {{.when = "never",
                 .events = {inference::Content{"a"}},
                 .error = {},
                 .delay_per_event = std::chrono::seconds(60)},
                {.when = "weather",
                 .events = {inference::Content{"It "}, inference::Content{"rains."}},
                 .error = {},
                 .delay_per_event = std::chrono::milliseconds(5)},
                {.when = "", .events = {inference::Content{"Hi."}}, .error = {}}});
  LoadedModels models{*engine};
  tensor::GraphShelf shelf{{tensor::fake_library()}};
  GuestApi api{models, nullptr, &shelf};
  Grants grants;
};

Tensor text(std::string_view words) {
  return {.shape = {static_cast<std::uint32_t>(words.size())}, .bytes = to_buffer(words)};
}

TEST_F(NnComponentTest, ATensorIsReadBackAsItWasMade) {
  const Component guest(api, grants);
  for (const ElementType type :
       {ElementType::f16, ElementType::f32, ElementType::f64, ElementType::bf16, ElementType::u8,
        ElementType::i32, ElementType::i64}) {
    const Tensor made{
        .type = type, .shape = {1, 2, 3}, .bytes = Buffer(6 * tensor::bytes_of(type))};
    const Tensor read = guest.read(guest.tensor(made));
    EXPECT_EQ(read.type, made.type);
    EXPECT_EQ(read.shape, made.shape);
    EXPECT_EQ(read.bytes, made.bytes);
  }
}

TEST_F(NnComponentTest, ComputesByName) {
  const Component guest(api, grants);
  const std::uint32_t context = guest.context("adder");
  for (const float first : {1.0F, 5.0F}) {
    const auto outputs =
        guest.outputs(guest.compute(context, {{"b", guest.tensor(floats({2}, {10, 20}))},
                                              {"a", guest.tensor(floats({2}, {first, 2}))}}));
    ASSERT_EQ(outputs.size(), 2U);
    EXPECT_EQ(tensor::floats_of(outputs.at("sum")), (std::vector<float>{first + 10, 22}));
    EXPECT_EQ(outputs.at("shape").type, ElementType::i64);
  }
}

TEST_F(NnComponentTest, AnInputOfAnEarlierComputationIsNone) {
  const Component guest(api, grants);
  const std::uint32_t context = guest.context("adder");
  const Tensor one = floats({1}, {1});
  guest.outputs(guest.compute(context, {{"a", guest.tensor(one)}, {"b", guest.tensor(one)}}));
  EXPECT_EQ(guest.error(guest.compute(context, {{"a", guest.tensor(one)}})).first,
            invalid_argument);
}

TEST_F(NnComponentTest, ATensorThatWasHandedOverIsGone) {
  const Component guest(api, grants);
  const std::uint32_t context = guest.context("adder");
  const std::uint32_t a = guest.tensor(floats({1}, {1}));
  guest.outputs(guest.compute(context, {{"a", a}, {"b", guest.tensor(floats({1}, {1}))}}));
  Component& same = const_cast<Component&>(guest);  // NOLINT
  EXPECT_THAT(same.guest().call("[method]tensor.ty", handle_argument(a)).trap,
              HasSubstr("no open tensor"));
}

TEST_F(NnComponentTest, AModelAnswersByName) {
  const Component guest(api, grants);
  const std::uint32_t context = guest.context("default");
  for (const char* prompt : {"weather", "hello"}) {
    const auto outputs =
        guest.outputs(guest.compute(context, {{"prompt", guest.tensor(text(prompt))}}));
    EXPECT_EQ(as_text(outputs.at("text").bytes), prompt[0] == 'w' ? "It rains." : "Hi.");
    EXPECT_THAT(std::string(as_text(outputs.at("counts").bytes)), HasSubstr("\"input_tokens\": "));
  }
  EXPECT_EQ(guest.error(guest.compute(context, {})).first, invalid_argument) << "no prompt";
  const auto silent = guest.outputs(
      guest.compute(context, {{"prompt", guest.tensor(text("hello"))},
                              {"options", guest.tensor(text(R"({"n-predict": 0})"))}}));
  EXPECT_EQ(silent.at("text").bytes.size(), 0U);
}

TEST_F(NnComponentTest, ErrorsHaveACodeAndWords) {
  const Component guest(api, grants);
  const auto [denied, why] = guest.error(guest.load("secret"));
  EXPECT_EQ(denied, security);
  EXPECT_THAT(why, HasSubstr("models = [\"secret\"]"));
  EXPECT_EQ(guest.error(guest.load("broken")).first, invalid_encoding);
  const auto [brought, grant] = guest.error(guest.bring("ONNX", kOnnx));
  EXPECT_EQ(brought, security);
  EXPECT_THAT(grant, HasSubstr("graphs = \"1MiB\""));
  EXPECT_EQ(guest.error(guest.bring("GGUF", kGgml)).first, unsupported_operation);
  EXPECT_EQ(guest.error(guest.bring("x", 3)).first, invalid_encoding) << "PyTorch";
  const std::uint32_t context = guest.context("adder");
  const auto [wrong, which] =
      guest.error(guest.compute(context, {{"c", guest.tensor(floats({1}, {1}))}}));
  EXPECT_EQ(wrong, invalid_argument);
  EXPECT_THAT(which, HasSubstr("\"c\""));
}

TEST_F(NnComponentTest, AGraphOfItsOwnWithinTheGrant) {
  grants.graphs = 1_MiB;
  const Component guest(api, grants);
  EXPECT_TRUE(guest.bring("ONNX", kOnnx).reader().present());
  EXPECT_TRUE(guest.bring("ONNX", kAutomatic).reader().present());
  EXPECT_EQ(guest.error(guest.bring("no graph", kOnnx)).first, invalid_encoding);
  EXPECT_TRUE(guest.bring("ONNX\xff\xfe\x80", kOnnx).reader().present()) << "bytes are no text";
}

TEST_F(NnComponentTest, AGraphCountsAsLongAsAContextHasIt) {
  grants.graphs = Bytes{6};
  Component guest(api, grants);
  const std::uint32_t graph = Component::graph(guest.bring("ONNX", kOnnx));
  const std::uint32_t context = guest.context_of(graph);
  guest.guest().drop("graph", graph);
  EXPECT_EQ(guest.error(guest.bring("ONNX", kOnnx)).first, security) << "8 bytes of 6";
  guest.guest().drop("graph-execution-context", context);
  EXPECT_TRUE(guest.bring("ONNX", kOnnx).reader().present());
}

TEST_F(NnComponentTest, TensorsAreBounded) {
  const Component guest(api, grants);
  const Tensor many{.shape = {30U << 20U}, .bytes = Buffer(30U << 20U)};
  const std::uint32_t first = guest.tensor(many);
  guest.tensor(many);
  EXPECT_THAT(guest.trap_of(many), HasSubstr("64 MiB"));
  Component& same = const_cast<Component&>(guest);  // NOLINT
  same.guest().drop("tensor", first);
  EXPECT_EQ(guest.trap_of(many), "");
  EXPECT_THAT(guest.trap_of({.shape = std::vector<std::uint32_t>(9, 1), .bytes = Buffer(1)}),
              HasSubstr("8 dimensions"));
}

TEST_F(NnComponentTest, OutputsThatAreTooMuchAreAnErrorAndLeaveNothing) {
  Component guest(api, grants);
  const std::uint32_t context = guest.context("adder");
  const Tensor ten{.type = ElementType::f32, .shape = {10U << 18U}, .bytes = Buffer(10U << 20U)};
  const auto inputs = [&]() -> Component::Named {
    return {{"a", guest.tensor(ten)}, {"b", guest.tensor(ten)}};
  };
  // 35 MiB stay, 20 come as inputs; the output of 10 would be above 64 MiB.
  const std::uint32_t kept = guest.tensor({.shape = {35U << 20U}, .bytes = Buffer(35U << 20U)});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(guest.error(guest.compute(context, inputs())).first, too_large);
  }
  guest.guest().drop("tensor", kept);
  EXPECT_EQ(guest.outputs(guest.compute(context, inputs())).at("sum").bytes.size(), 10U << 20U);
}

TEST_F(NnComponentTest, AGuestThatEndsInTheMiddleLeavesNothingBehind) {
  for (const char* which : {"default", "adder"}) {
    std::weak_ptr<wasm::InstanceState> state;
    std::shared_ptr<Inbox> inbox;
    {
      Component guest(api, grants);
      state = guest.guest().state();
      const std::uint32_t context = guest.context(which);
      Component::Named inputs = {{"prompt", guest.tensor(text("never"))}};
      if (which[0] == 'a') {  // -1 does not end
        inputs = {{"a", guest.tensor(floats({1}, {-1}))}, {"b", guest.tensor(floats({1}, {1}))}};
      }
      inbox = guest.guest().start("[method]graph-execution-context.compute",
                                  Component::inputs(context, inputs));
      guest.guest().end();
    }
    EXPECT_NE(inbox->wait().kind, Answer::Kind::resolved);
    // The last to know of the instance may still be on its way out of the lane.
    for (int waits = 0; waits < 500 && !state.expired(); ++waits) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(state.expired()) << which;
  }
  EXPECT_EQ(models.loaded("gemma")->load().running, 0U);
}

}  // namespace
}  // namespace quern::guestapi
