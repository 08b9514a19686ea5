// The C library of module env, function by function, over a memory that is no guest's.
#include "plugins/env_libc.hpp"

#include "plugins/env_state.hpp"
#include "plugins/guest_printf.hpp"
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace quern::plugins {
namespace {

using wasm::GuestMemory;

constexpr std::uint32_t kFirst = 1024;  // where tests put texts
constexpr std::uint32_t kSecond = 2048;
constexpr std::uint32_t kThird = 3072;

class FakeCall final : public wasm::RawCall {
 public:
  FakeCall(std::vector<std::byte>& bytes, std::vector<std::uint64_t> arguments, EnvState& state)
      : bytes_(bytes), memory_(bytes), arguments_(std::move(arguments)), state_(state) {}

  GuestMemory& memory() override { return memory_; }
  std::uint64_t argument(std::size_t index) const override { return arguments_.at(index); }
  void result(std::size_t /*index*/, std::uint64_t value) override { given = value; }
  wasm::InstanceState* state() const override { return &state_; }
  std::function<void()> waker() override { return {}; }
  void print(wasm::Stream /*stream*/, std::string_view /*text*/) override {}
  Result<std::uint32_t> grow(std::uint32_t pages) override {
    const auto begins = static_cast<std::uint32_t>(bytes_.size());
    if (begins + pages * 65536 > 4U << 20U) return fail(ErrorKind::resource_exhausted, "full");
    bytes_.resize(begins + pages * 65536);
    memory_ = GuestMemory(bytes_);
    return begins;
  }

  std::uint64_t given = 0;

 private:
  std::vector<std::byte>& bytes_;
  GuestMemory memory_;
  std::vector<std::uint64_t> arguments_;
  EnvState& state_;
};

class EnvLibcTest : public ::testing::Test {
 protected:
  Result<std::uint32_t> call(std::string_view name, std::vector<std::uint64_t> arguments) {
    for (const wasm::RawFunction& function : imports_.functions) {
      if (function.name != name) continue;
      EXPECT_EQ(function.parameters.size(), arguments.size()) << name;
      FakeCall call(bytes, std::move(arguments), *state_);
      const auto status = function.call(call);
      if (!status.ok()) return fail(status.error());
      return static_cast<std::uint32_t>(call.given);
    }
    ADD_FAILURE() << "there is no " << name;
    return 0;
  }
  std::int32_t number(std::string_view name, std::vector<std::uint64_t> arguments) {
    const auto result = call(name, std::move(arguments));
    EXPECT_TRUE(result.ok()) << name << ": " << result.error().describe();
    return result.ok() ? static_cast<std::int32_t>(*result) : 0;
  }
  void put(std::uint32_t at, std::string_view text) {
    std::memcpy(bytes.data() + at, text.data(), text.size());
    bytes.at(at + text.size()) = std::byte{0};
  }
  std::string text(std::uint32_t at) {
    return std::string(reinterpret_cast<const char*>(bytes.data()) + at);
  }
  void put_word(std::uint32_t at, std::uint32_t word) { std::memcpy(bytes.data() + at, &word, 4); }
  // sprintf with these words behind each other as its arguments.
  std::string print(std::string_view format, const std::vector<std::uint32_t>& words) {
    put(kFirst, format);
    for (std::size_t i = 0; i < words.size(); ++i) {
      put_word(kSecond + static_cast<std::uint32_t>(4 * i), words[i]);
    }
    const auto size = call("sprintf", {8192, kFirst, kSecond});
    EXPECT_TRUE(size.ok()) << size.error().describe();
    const std::string printed = text(8192);
    if (size.ok()) {
      EXPECT_EQ(*size, printed.size());
    }
    return printed;
  }
  std::string print_double(std::string_view format, double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    return print(format,
                 {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32U)});
  }
  void expect_trap(std::string_view name, std::vector<std::uint64_t> arguments) {
    const auto result = call(name, std::move(arguments));
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_EQ(result.error().kind(), ErrorKind::guest_trap);
  }

  std::vector<std::byte> bytes = std::vector<std::byte>(65536);

 private:
  std::unique_ptr<EnvState> state_ = std::make_unique<EnvState>("test");
  wasm::HostImports imports_ = env_imports(0);
};

TEST_F(EnvLibcTest, PrintsAsCDoes) {
  EXPECT_EQ(print("plain %% text", {}), "plain % text");
  EXPECT_EQ(print("%d|%5d|%-5d|%05d|%+d|% d", {1, 2, 3, 4, 5, 6}), "1|    2|3    |00004|+5| 6");
  EXPECT_EQ(print("%d %i %u", {0xffffffff, 0x80000000, 0xffffffff}), "-1 -2147483648 4294967295");
  EXPECT_EQ(print("%x %X %#x %#x %o %#o", {255, 255, 255, 0, 8, 8}), "ff FF 0xff 0 10 010");
  EXPECT_EQ(print("%hhd %hd %hhu", {0x1ff, 0x1ffff, 0x1ff}), "-1 -1 255");
  EXPECT_EQ(print("%.3d|%8.3d|%.0d", {5, 5, 0}), "005|     005|");
  EXPECT_EQ(print("%*d|%-*d|%.*d", {4, 7, 4, 7, 2, 7}), "   7|7   |07");
  EXPECT_EQ(print("%c%c", {'o', 'k'}), "ok");
  EXPECT_EQ(print("%p", {16}), "0x10");
  // An argument of 8 bytes begins at a multiple of 8.
  EXPECT_EQ(print("%d %lld %d", {1, 99, 2, 0, 3}), "1 2 3");
  EXPECT_EQ(print("%llu", {0xffffffff, 0xffffffff}), "18446744073709551615");
  EXPECT_EQ(print("%ld %zu %td", {7, 8, 9}), "7 8 9");
}

TEST_F(EnvLibcTest, PrintsTexts) {
  put(kThird, "hello");
  EXPECT_EQ(print("<%s>", {kThird}), "<hello>");
  EXPECT_EQ(print("<%8s><%-8s><%.2s>", {kThird, kThird, kThird}), "<   hello><hello   ><he>");
  EXPECT_EQ(print("<%s>", {0}), "<(null)>");
  // With a precision the text need not end: the memory's last bytes.
  std::memset(bytes.data() + 65530, 'x', 6);
  EXPECT_EQ(print("<%.6s>", {65530}), "<xxxxxx>");
}

TEST_F(EnvLibcTest, PrintsNumbersWithAPoint) {
  EXPECT_EQ(print_double("%f", 3.25), "3.250000");
  EXPECT_EQ(print_double("%.2f", -0.005), "-0.01");
  EXPECT_EQ(print_double("%10.3f|", 2.5), "     2.500|");
  EXPECT_EQ(print_double("%010.3f", -2.5), "-00002.500");
  EXPECT_EQ(print_double("%e", 12345.678), "1.234568e+04");
  EXPECT_EQ(print_double("%g %%", 0.0001), "0.0001 %");
  EXPECT_EQ(print_double("%G", 1e300), "1E+300");
  EXPECT_EQ(print_double("%.0f", 1e300).size(), 301U);
  EXPECT_EQ(print_double("%f", std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(print_double("%5.1F", -std::numeric_limits<double>::infinity()), " -INF");
}

TEST_F(EnvLibcTest, SnprintfCutsAndTellsTheWholeLength) {
  put(kFirst, "hello %s");
  put(kThird, "world");
  put_word(kSecond, kThird);
  EXPECT_EQ(number("snprintf", {8192, 8, kFirst, kSecond}), 11);
  EXPECT_EQ(text(8192), "hello w");
  EXPECT_EQ(number("snprintf", {0, 0, kFirst, kSecond}), 11);
}

TEST_F(EnvLibcTest, WhatCLeavesUndefinedIsATrap) {
  put(kFirst, "%n");
  expect_trap("sprintf", {8192, kFirst, kSecond});
  put(kFirst, "%Lf");
  expect_trap("sprintf", {8192, kFirst, kSecond});
  put(kFirst, "%99999d");
  expect_trap("sprintf", {8192, kFirst, kSecond});
  put(kFirst, "%");
  expect_trap("sprintf", {8192, kFirst, kSecond});
  put(kFirst, "%s");
  put_word(kSecond, 0x7fffffff);
  expect_trap("sprintf", {8192, kFirst, kSecond});
  std::memset(bytes.data() + 65530, 'x', 6);
  expect_trap("strlen", {65530});
  expect_trap("strlen", {0xffffffff});
  expect_trap("memcpy", {65530, 0, 100});
  expect_trap("memset", {0xfffffff0, 0, 0x20});
  expect_trap("free", {kFirst});
  expect_trap("realloc", {kFirst, 10});
  expect_trap("exit", {3});
  expect_trap("abort", {});
}

TEST_F(EnvLibcTest, MemoryIsGivenAndTakenBack) {
  const auto block = static_cast<std::uint32_t>(number("malloc", {100}));
  ASSERT_GE(block, 65536U);
  std::memset(bytes.data() + block, 7, 100);
  const auto larger = static_cast<std::uint32_t>(number("realloc", {block, 70'000}));
  EXPECT_NE(larger, block);
  EXPECT_EQ(std::to_integer<int>(bytes.at(larger + 99)), 7);
  number("free", {larger});
  const auto zeros = static_cast<std::uint32_t>(number("calloc", {10, 10}));
  EXPECT_EQ(text(zeros), "");
  EXPECT_EQ(number("calloc", {0x10000, 0x10000}), 0);
  EXPECT_EQ(number("malloc", {0x7fffffff}), 0);
  EXPECT_EQ(number("realloc", {0, 0}) % 16, 0);
}

TEST_F(EnvLibcTest, BytesAreCopiedComparedAndFound) {
  put(kFirst, "abcdef");
  EXPECT_EQ(number("memmove", {kFirst + 2, kFirst, 4}), kFirst + 2);
  EXPECT_EQ(text(kFirst), "ababcd");
  number("memset", {kFirst, 'z', 2});
  EXPECT_EQ(text(kFirst), "zzabcd");
  put(kSecond, "zzabce");
  EXPECT_LT(number("memcmp", {kFirst, kSecond, 6}), 0);
  EXPECT_EQ(number("memcmp", {kFirst, kSecond, 5}), 0);
  EXPECT_EQ(number("memchr", {kFirst, 'a', 6}), kFirst + 2);
  EXPECT_EQ(number("memchr", {kFirst, 'q', 6}), 0);
}

TEST_F(EnvLibcTest, TextsAreMeasuredComparedAndFound) {
  put(kFirst, "Hello world");
  put(kSecond, "hello WORLD");
  put(kThird, "wor");
  EXPECT_EQ(number("strlen", {kFirst}), 11);
  EXPECT_LT(number("strcmp", {kFirst, kSecond}), 0);
  EXPECT_EQ(number("strcasecmp", {kFirst, kSecond}), 0);
  EXPECT_EQ(number("strncasecmp", {kFirst, kSecond, 5}), 0);
  EXPECT_EQ(number("strncmp", {kFirst + 1, kSecond + 1, 4}), 0);
  EXPECT_EQ(number("strchr", {kFirst, 'o'}), kFirst + 4);
  EXPECT_EQ(number("strrchr", {kFirst, 'o'}), kFirst + 7);
  EXPECT_EQ(number("strchr", {kFirst, 0}), kFirst + 11);
  EXPECT_EQ(number("strchr", {kFirst, 'q'}), 0);
  EXPECT_EQ(number("strstr", {kFirst, kThird}), kFirst + 6);
  EXPECT_EQ(number("strspn", {kFirst + 6, kThird}), 3);
  EXPECT_EQ(number("strcspn", {kFirst, kThird}), 4);
  put(kThird, "");
  EXPECT_EQ(number("strstr", {kFirst, kThird}), kFirst);
  EXPECT_EQ(number("strspn", {kFirst, kThird}), 0);
  EXPECT_EQ(number("strcspn", {kFirst, kThird}), 11);
  put(kThird, "\xfc\xe4");
  put(kSecond, "a\xe4\xfc");
  EXPECT_EQ(number("strcspn", {kSecond, kThird}), 1);
  EXPECT_EQ(number("strspn", {kSecond + 1, kThird}), 2);
  EXPECT_EQ(number("strstr", {kFirst, kSecond}), 0);
}

// Nothing ends a call of the host's: with work by the product of two texts this test would not end.
TEST_F(EnvLibcTest, NoCallTakesMoreStepsThanItsTextsHaveBytes) {
  constexpr std::uint32_t kSize = 16U << 20U;
  constexpr std::uint32_t kHalf = kFirst + kSize + 1;
  bytes.resize(3 * kSize);
  put(kFirst, std::string(kSize, 'a'));
  put(kHalf, std::string(kSize / 2, 'a') + 'b');
  EXPECT_EQ(number("strstr", {kFirst, kHalf}), 0);
  EXPECT_EQ(number("strspn", {kFirst, kHalf}), kSize);
  put(kHalf, std::string(kSize / 2, 'c'));
  EXPECT_EQ(number("strcspn", {kFirst, kHalf}), kSize);
}

TEST_F(EnvLibcTest, AFormatHasABoundEvenIfItPrintsNothing) {
  constexpr std::uint32_t kArguments = 2U << 20U;  // null pointers all
  bytes.resize(std::size_t{2} * kArguments);
  std::string format;
  while (format.size() < 1U << 20U) format += "%.0s";
  put(kThird, format);
  EXPECT_EQ(number("snprintf", {0, 0, kThird, kArguments}), 0);
  put(kThird, format + "%.0s");
  expect_trap("snprintf", {0, 0, kThird, kArguments});
  expect_trap("printf", {kThird, kArguments});
}

TEST_F(EnvLibcTest, TextsAreCopied) {
  put(kFirst, "one");
  number("strcpy", {kSecond, kFirst});
  number("strcat", {kSecond, kFirst});
  number("strncat", {kSecond, kFirst, 2});
  EXPECT_EQ(text(kSecond), "oneoneon");
  std::memset(bytes.data() + kThird, 'x', 10);
  number("strncpy", {kThird, kFirst, 2});
  EXPECT_EQ(text(kThird).substr(0, 3), "onx");
  number("strncpy", {kThird, kFirst, 8});
  EXPECT_EQ(bytes.at(kThird + 7), std::byte{0});
  EXPECT_EQ(text(static_cast<std::uint32_t>(number("strdup", {kFirst}))), "one");
  EXPECT_EQ(text(static_cast<std::uint32_t>(number("strndup", {kFirst, 2}))), "on");
}

TEST_F(EnvLibcTest, NumbersAreRead) {
  put(kFirst, "  -42rest");
  EXPECT_EQ(number("atoi", {kFirst}), -42);
  EXPECT_EQ(number("strtol", {kFirst, kThird, 10}), -42);
  std::uint32_t end = 0;
  std::memcpy(&end, bytes.data() + kThird, 4);
  EXPECT_EQ(end, kFirst + 5);
  put(kFirst, "0x1fz");
  EXPECT_EQ(number("strtol", {kFirst, 0, 0}), 31);
  EXPECT_EQ(number("strtoul", {kFirst, 0, 16}), 31);
  put(kFirst, "017");
  EXPECT_EQ(number("strtol", {kFirst, 0, 0}), 15);
  put(kFirst, "99999999999999999999");
  EXPECT_EQ(number("strtol", {kFirst, 0, 10}), 0x7fffffff);
  EXPECT_EQ(static_cast<std::uint32_t>(number("strtoul", {kFirst, 0, 10})), 0xffffffffU);
  put(kFirst, "none");
  EXPECT_EQ(number("strtol", {kFirst, kThird, 10}), 0);
  std::memcpy(&end, bytes.data() + kThird, 4);
  EXPECT_EQ(end, kFirst);
}

TEST_F(EnvLibcTest, CharactersAreToldApart) {
  for (const auto& [name, in, out] : {std::tuple{"isalpha", 'a', '1'},
                                      {"isdigit", '1', 'a'},
                                      {"isalnum", 'Z', '-'},
                                      {"isspace", '\n', 'a'},
                                      {"isupper", 'A', 'a'},
                                      {"islower", 'a', 'A'},
                                      {"isxdigit", 'F', 'G'},
                                      {"isprint", ' ', '\n'},
                                      {"isgraph", '!', ' '},
                                      {"ispunct", '!', 'a'},
                                      {"iscntrl", '\x01', 'a'}}) {
    EXPECT_EQ(number(name, {static_cast<std::uint64_t>(in)}), 1) << name;
    EXPECT_EQ(number(name, {static_cast<std::uint64_t>(out)}), 0) << name;
    EXPECT_EQ(number(name, {0xffffffff}), 0) << name;  // EOF
  }
  EXPECT_EQ(number("toupper", {'q'}), 'Q');
  EXPECT_EQ(number("tolower", {'Q'}), 'q');
  EXPECT_EQ(number("tolower", {'-'}), '-');
}

TEST_F(EnvLibcTest, TheTimeIsTold) {
  EXPECT_EQ(number("clock_gettime", {0, kFirst}), 0);
  std::uint64_t seconds = 0;
  std::memcpy(&seconds, bytes.data() + kFirst, 8);
  EXPECT_GT(seconds, 1'600'000'000U);
  expect_trap("clock_gettime", {0, 65535});
}

}  // namespace
}  // namespace quern::plugins
