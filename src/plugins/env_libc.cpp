// Module `env` as plugins expect it that were linked without a C library: the functions of C
// (ISO/IEC 9899:2018, 7.4 ctype.h, 7.21 stdio.h, 7.22 stdlib.h, 7.24 string.h) over the guest's
// memory, with the host's heap as theirs. What C leaves undefined is a trap here.
#include "plugins/env_libc.hpp"

#include "plugins/env_state.hpp"
#include "plugins/guest_printf.hpp"

#include <algorithm>
#include <bitset>
#include <chrono>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::plugins {
namespace {

using wasm::GuestMemory;
using wasm::RawCall;
using wasm::RawFunction;
using wasm::RawStatus;
using wasm::RawType;

using Word = std::uint32_t;
using Span = std::span<std::byte>;

// One call of a function of this library.
class Env {
 public:
  explicit Env(RawCall& call) : call_(call) {}

  Word word(std::size_t index) const { return static_cast<Word>(call_.argument(index)); }
  const GuestMemory& memory() const { return call_.memory(); }
  EnvState& state() const { return static_cast<EnvState&>(*call_.state()); }

  Result<std::string_view> text(std::size_t index) const {
    return guest_text(memory(), word(index));
  }
  Result<Span> room(Word at, std::uint64_t size) const {
    if (size > std::numeric_limits<Word>::max()) {
      return fail(ErrorKind::guest_trap, "a block above 4 GiB");
    }
    return memory().span(at, static_cast<Word>(size));
  }
  // `text` with its zero byte.
  Result<> put(Word at, std::string_view text) const {
    const Span to = TRY(room(at, std::uint64_t{text.size()} + 1));
    std::memmove(to.data(), text.data(), text.size());
    to[text.size()] = std::byte{0};
    return {};
  }
  // 0: there is no memory, as malloc says it.
  Word allocate(Word size) const {
    state().used = true;
    const auto block =
        state().heap.allocate(size, [this](Word pages) { return call_.grow(pages); });
    if (!block.ok()) state().refused = true;
    return block.ok() ? *block : 0;
  }

 private:
  RawCall& call_;
};

using Body = Result<Word> (*)(const Env&);

std::vector<RawType> words(std::size_t count) { return {count, RawType::i32}; }

// `count` words in, one out where `gives`.
RawFunction function(std::string name, std::size_t count, Body body, std::size_t gives = 1) {
  return {.module = "env",
          .name = std::move(name),
          .parameters = words(count),
          .results = words(gives),
          .call = [body, gives](RawCall& call) -> Result<RawStatus> {
            const Word result = TRY(body(Env(call)));
            if (gives > 0) call.result(0, result);
            return RawStatus::done;
          },
          .pace = wasm::RawPace::at_once};
}

// ---- memory -----------------------------------------------------------------------------------

Result<Word> calloc(const Env& env) {
  const std::uint64_t size = std::uint64_t{env.word(0)} * env.word(1);
  if (size > std::numeric_limits<Word>::max()) return 0;
  const Word block = env.allocate(static_cast<Word>(size));
  if (block == 0) return 0;
  const Span zeros = TRY(env.room(block, size));
  std::ranges::fill(zeros, std::byte{0});
  return block;
}

Result<Word> realloc(const Env& env) {
  const Word old = env.word(0);
  const Word size = env.word(1);
  if (old == 0) return env.allocate(size);
  const auto had = env.state().heap.size_of(old);
  if (!had) return fail(ErrorKind::guest_trap, "realloc of what malloc did not give");
  if (size <= *had && size > 0) return old;
  const Word block = env.allocate(size);
  if (block == 0) return 0;
  const Span from = TRY(env.room(old, std::min(*had, size)));
  const Span to = TRY(env.room(block, from.size()));
  std::ranges::copy(from, to.begin());
  env.state().heap.release(old);
  return block;
}

Result<Word> free(const Env& env) {
  if (env.word(0) != 0 && !env.state().heap.release(env.word(0))) {
    return fail(ErrorKind::guest_trap, "free of what malloc did not give");
  }
  return 0;
}

Result<Word> memmove(const Env& env) {
  const Span to = TRY(env.room(env.word(0), env.word(2)));
  const Span from = TRY(env.room(env.word(1), env.word(2)));
  if (!to.empty()) std::memmove(to.data(), from.data(), to.size());
  return env.word(0);
}

Result<Word> memset(const Env& env) {
  std::ranges::fill(TRY(env.room(env.word(0), env.word(2))), static_cast<std::byte>(env.word(1)));
  return env.word(0);
}

Word order(int compared) { return compared < 0 ? ~Word{0} : compared > 0 ? 1 : 0; }

Result<Word> memcmp(const Env& env) {
  const Span one = TRY(env.room(env.word(0), env.word(2)));
  const Span other = TRY(env.room(env.word(1), env.word(2)));
  return order(one.empty() ? 0 : std::memcmp(one.data(), other.data(), one.size()));
}

Result<Word> memchr(const Env& env) {
  const Span in = TRY(env.room(env.word(0), env.word(2)));
  const auto found = std::ranges::find(in, static_cast<std::byte>(env.word(1)));
  return found == in.end() ? 0 : env.word(0) + static_cast<Word>(found - in.begin());
}

// ---- texts ------------------------------------------------------------------------------------

Result<Word> strlen(const Env& env) { return static_cast<Word>(TRY(env.text(0)).size()); }

// Of a text that ends after `most` characters or with a zero byte before.
Result<std::string_view> part(const Env& env, std::size_t index, Word most) {
  const Word at = env.word(index);
  const std::uint64_t size = env.memory().size().count;
  const std::uint64_t left = at < size ? size - at : 0;
  const std::string_view bytes =
      TRY(env.memory().text(at, static_cast<Word>(std::min<std::uint64_t>(left, most))));
  const std::size_t end = bytes.find('\0');
  if (end == std::string_view::npos && bytes.size() < most) {
    return fail(ErrorKind::guest_trap, "a text at " + std::to_string(at) + " has no end");
  }
  return bytes.substr(0, end);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string lower(std::string_view text) {
  std::string all(text);
  std::ranges::transform(all, all.begin(), [](char c) { return lower(c); });
  return all;
}

Result<Word> strcmp(const Env& env) { return order(TRY(env.text(0)).compare(TRY(env.text(1)))); }
Result<Word> strncmp(const Env& env) {
  return order(TRY(part(env, 0, env.word(2))).compare(TRY(part(env, 1, env.word(2)))));
}
Result<Word> strcasecmp(const Env& env) {
  return order(lower(TRY(env.text(0))).compare(lower(TRY(env.text(1)))));
}
Result<Word> strncasecmp(const Env& env) {
  return order(
      lower(TRY(part(env, 0, env.word(2)))).compare(lower(TRY(part(env, 1, env.word(2))))));
}

Result<Word> strcpy(const Env& env) {
  const std::string_view from = TRY(env.text(1));
  TRY(env.put(env.word(0), from));
  return env.word(0);
}
Result<Word> strncpy(const Env& env) {
  const std::string from(TRY(part(env, 1, env.word(2))));
  const Span to = TRY(env.room(env.word(0), env.word(2)));
  std::ranges::fill(to, std::byte{0});
  std::ranges::copy(as_bytes(from), to.begin());
  return env.word(0);
}
Result<Word> strcat(const Env& env) {
  const auto end = env.word(0) + static_cast<Word>(TRY(env.text(0)).size());
  const std::string from(TRY(env.text(1)));
  TRY(env.put(end, from));
  return env.word(0);
}
Result<Word> strncat(const Env& env) {
  const auto end = env.word(0) + static_cast<Word>(TRY(env.text(0)).size());
  const std::string from(TRY(part(env, 1, env.word(2))));
  TRY(env.put(end, from));
  return env.word(0);
}

Word place(const Env& env, std::size_t index, std::size_t at) {
  return at == std::string_view::npos ? 0 : env.word(index) + static_cast<Word>(at);
}

Result<Word> strchr(const Env& env) {
  const std::string_view text = TRY(env.text(0));
  const char c = static_cast<char>(env.word(1));
  return place(env, 0, c == '\0' ? text.size() : text.find(c));
}
Result<Word> strrchr(const Env& env) {
  const std::string_view text = TRY(env.text(0));
  const char c = static_cast<char>(env.word(1));
  return place(env, 0, c == '\0' ? text.size() : text.rfind(c));
}
// Host code sees no epoch, so no function here may take more steps than its texts have bytes:
// memmem is such a search (two-way), std::string_view's are not.
Result<Word> strstr(const Env& env) {
  const std::string_view text = TRY(env.text(0));
  const std::string_view part = TRY(env.text(1));
  const void* const found = ::memmem(text.data(), text.size(), part.data(), part.size());
  return found == nullptr
             ? 0
             : place(env, 0,
                     static_cast<std::size_t>(static_cast<const char*>(found) - text.data()));
}

// How many characters of the first text come before one that is in the second, or, where `wanted`,
// before one that is not.
Result<Word> span(const Env& env, bool wanted) {
  const std::string_view text = TRY(env.text(0));
  std::bitset<256> set;
  for (const char c : TRY(env.text(1))) set.set(static_cast<unsigned char>(c));
  const auto end = std::ranges::find_if(
      text, [&](char c) { return set.test(static_cast<unsigned char>(c)) != wanted; });
  return static_cast<Word>(end - text.begin());
}
Result<Word> strspn(const Env& env) { return span(env, true); }
Result<Word> strcspn(const Env& env) { return span(env, false); }

Result<Word> duplicate(const Env& env, std::string_view text) {
  const std::string copy(text);  // the heap may grow, and the memory move
  const Word block = env.allocate(static_cast<Word>(copy.size() + 1));
  if (block != 0) TRY(env.put(block, copy));
  return block;
}
Result<Word> strdup(const Env& env) { return duplicate(env, TRY(env.text(0))); }
Result<Word> strndup(const Env& env) { return duplicate(env, TRY(part(env, 0, env.word(1)))); }

// ---- characters -------------------------------------------------------------------------------

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) { return is_upper(c) || is_lower(c); }
bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_print(char c) { return c >= 0x20 && c < 0x7f; }
bool is_graph(char c) { return c > 0x20 && c < 0x7f; }
bool is_punct(char c) { return is_graph(c) && !is_alnum(c); }
bool is_cntrl(char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }
bool is_xdigit(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

template <bool (*of)(char)>
Result<Word> is(const Env& env) {
  return env.word(0) < 0x80 && of(static_cast<char>(env.word(0))) ? 1 : 0;
}
template <char (*of)(char)>
Result<Word> to(const Env& env) {
  const Word c = env.word(0);
  return c < 0x80 ? static_cast<Word>(of(static_cast<char>(c))) : c;
}

// ---- numbers ----------------------------------------------------------------------------------

int digit_of(char c) {
  if (is_digit(c)) return c - '0';
  return is_alpha(c) ? lower(c) - 'a' + 10 : 99;
}

struct Number {
  std::size_t read = 0;  // characters; 0: none
  bool negative = false;
  std::uint64_t size = 0;  // at most 2^32
};

Number read_number(std::string_view text, Word base) {
  Number number;
  std::size_t at = 0;
  while (at < text.size() && is_space(text[at])) ++at;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) number.negative = text[at++] == '-';
  const bool prefix = text.size() > at + 2 && text[at] == '0' && lower(text[at + 1]) == 'x' &&
                      digit_of(text[at + 2]) < 16;
  if (prefix && (base == 0 || base == 16)) {
    at += 2;
    base = 16;
  } else if (base == 0) {
    base = at < text.size() && text[at] == '0' ? 8 : 10;
  }
  for (; at < text.size() && digit_of(text[at]) < static_cast<int>(base); ++at) {
    number.size = std::min<std::uint64_t>(
        number.size * base + static_cast<std::uint64_t>(digit_of(text[at])), 1ULL << 32U);
    number.read = at + 1;
  }
  return number;
}

Result<Number> number_argument(const Env& env) {
  const Number number = read_number(TRY(env.text(0)), env.word(2));
  if (env.word(1) != 0) {
    TRY(env.memory().write_u32(env.word(1), env.word(0) + static_cast<Word>(number.read)));
  }
  return number;
}

Word as_long(const Number& number) {
  const std::uint64_t most = (1ULL << 31U) - (number.negative ? 0 : 1);
  const auto size = static_cast<Word>(std::min(number.size, most));
  return number.negative ? 0 - size : size;
}

Result<Word> strtol(const Env& env) { return as_long(TRY(number_argument(env))); }
Result<Word> strtoul(const Env& env) {
  const Number number = TRY(number_argument(env));
  if (number.size > std::numeric_limits<Word>::max()) return ~Word{0};
  const auto size = static_cast<Word>(number.size);
  return number.negative ? 0 - size : size;
}
Result<Word> atoi(const Env& env) { return as_long(read_number(TRY(env.text(0)), 10)); }

// ---- printing ---------------------------------------------------------------------------------

Result<Word> print(const Env& env, std::string_view text) {
  env.state().write(as_bytes(text));
  return static_cast<Word>(text.size());
}

Result<Word> printf(const Env& env) {
  return print(env, TRY(guest_printf(env.memory(), env.word(0), env.word(1))));
}
Result<Word> sprintf(const Env& env) {
  const std::string text = TRY(guest_printf(env.memory(), env.word(1), env.word(2)));
  TRY(env.put(env.word(0), text));
  return static_cast<Word>(text.size());
}
Result<Word> snprintf(const Env& env) {
  const std::string text = TRY(guest_printf(env.memory(), env.word(2), env.word(3)));
  const Word room = env.word(1);
  if (room > 0) TRY(env.put(env.word(0), std::string_view(text).substr(0, room - 1)));
  return static_cast<Word>(text.size());
}
Result<Word> puts(const Env& env) {
  const std::string_view text = TRY(env.text(0));
  const Word size = TRY(print(env, text));
  return size + TRY(print(env, "\n"));
}
Result<Word> putchar(const Env& env) {
  TRY(print(env, std::string(1, static_cast<char>(env.word(0)))));
  return env.word(0) & 0xffU;
}

// ---- the world --------------------------------------------------------------------------------

Result<Word> exit(const Env& env) {
  return fail(ErrorKind::guest_trap,
              "it ended itself with code " + std::to_string(static_cast<int>(env.word(0))));
}
Result<Word> abort(const Env& /*env*/) { return fail(ErrorKind::guest_trap, "it called abort"); }

// struct timespec: seconds in 8 bytes, nanoseconds in 4. Clock 0 is the date, others only go on.
Result<Word> clock_gettime(const Env& env) {
  using std::chrono::nanoseconds;
  const nanoseconds now = env.word(0) == 0
                              ? nanoseconds(std::chrono::system_clock::now().time_since_epoch())
                              : nanoseconds(std::chrono::steady_clock::now().time_since_epoch());
  const auto seconds = static_cast<std::uint64_t>(now.count() / 1'000'000'000);
  TRY(env.memory().write_u32(env.word(1), static_cast<Word>(seconds)));
  TRY(env.memory().write_u32(env.word(1) + 4, static_cast<Word>(seconds >> 32U)));
  TRY(env.memory().write_u32(env.word(1) + 8, static_cast<Word>(now.count() % 1'000'000'000)));
  return 0;
}

RawFunction clock_function() {
  return {.module = "env",
          .name = "clock",
          .parameters = {},
          .results = {RawType::i64},
          .call = [](RawCall& call) -> Result<RawStatus> {
            const auto now = std::chrono::steady_clock::now().time_since_epoch();
            const auto micro = std::chrono::duration_cast<std::chrono::microseconds>(now);
            call.result(0, static_cast<std::uint64_t>(micro.count()));
            return RawStatus::done;
          },
          .pace = wasm::RawPace::at_once};
}

}  // namespace

wasm::HostImports env_imports(std::uint32_t abort_parameters) {
  const auto allocate = [](const Env& env) -> Result<Word> { return env.allocate(env.word(0)); };
  wasm::HostImports imports;
  imports.functions = {function("malloc", 1, allocate),
                       function("calloc", 2, calloc),
                       function("realloc", 2, realloc),
                       function("free", 1, free, 0),
                       function("memcpy", 3, memmove),
                       function("memmove", 3, memmove),
                       function("memset", 3, memset),
                       function("memcmp", 3, memcmp),
                       function("memchr", 3, memchr),
                       function("strlen", 1, strlen),
                       function("strcmp", 2, strcmp),
                       function("strncmp", 3, strncmp),
                       function("strcasecmp", 2, strcasecmp),
                       function("strncasecmp", 3, strncasecmp),
                       function("strcpy", 2, strcpy),
                       function("strncpy", 3, strncpy),
                       function("strcat", 2, strcat),
                       function("strncat", 3, strncat),
                       function("strchr", 2, strchr),
                       function("strrchr", 2, strrchr),
                       function("strstr", 2, strstr),
                       function("strspn", 2, strspn),
                       function("strcspn", 2, strcspn),
                       function("strdup", 1, strdup),
                       function("_strdup", 1, strdup),
                       function("strndup", 2, strndup),
                       function("isalnum", 1, is<is_alnum>),
                       function("isalpha", 1, is<is_alpha>),
                       function("iscntrl", 1, is<is_cntrl>),
                       function("isdigit", 1, is<is_digit>),
                       function("isgraph", 1, is<is_graph>),
                       function("islower", 1, is<is_lower>),
                       function("isprint", 1, is<is_print>),
                       function("ispunct", 1, is<is_punct>),
                       function("isspace", 1, is<is_space>),
                       function("isupper", 1, is<is_upper>),
                       function("isxdigit", 1, is<is_xdigit>),
                       function("tolower", 1, to<lower>),
                       function("toupper", 1, to<upper>),
                       function("atoi", 1, atoi),
                       function("atol", 1, atoi),
                       function("strtol", 3, strtol),
                       function("strtoul", 3, strtoul),
                       function("printf", 2, printf),
                       function("vprintf", 2, printf),
                       function("sprintf", 3, sprintf),
                       function("vsprintf", 3, sprintf),
                       function("snprintf", 4, snprintf),
                       function("vsnprintf", 4, snprintf),
                       function("puts", 1, puts),
                       function("putchar", 1, putchar),
                       function("exit", 1, exit, 0),
                       function("abort", abort_parameters, abort, 0),
                       function("clock_gettime", 2, clock_gettime),
                       clock_function()};
  return imports;
}

}  // namespace quern::plugins
