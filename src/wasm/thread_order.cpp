#include "wasm/thread_order.hpp"

#ifdef QUERN_TELL_ORDER

#include <sanitizer/tsan_interface.h>

#include <cstddef>

// One of the sanitizer's dynamic annotations, which no header declares.
extern "C" void AnnotateNewMemory(const char* file, int line, const volatile void* begin,
                                  std::size_t size);

// The first: Rust frees and copies through the same libc that the sanitizer listens to. What C++
// itself reads and writes is seen all the same. The second: wasm that traps raises a signal, and
// the engine makes the trap's message where it is handled.
extern "C" const char* __tsan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "ignore_interceptors_accesses=1:report_signal_unsafe=0";
}

namespace quern::wasm {
namespace {
char all_callbacks;  // its address is what they are acquired and released by
}

void comes_before(void* object) { __tsan_release(object); }
QUERN_CALLBACK void comes_after(void* object) { __tsan_acquire(object); }
void comes_before_what_ends() { comes_before(&all_callbacks); }
QUERN_CALLBACK void comes_after_all() { comes_after(&all_callbacks); }

QUERN_CALLBACK void stack_changed_hands() {
  constexpr std::size_t kDeepest = std::size_t{64} << 10U;  // no callback of ours goes deeper
  const auto* const here = static_cast<const char*>(__builtin_frame_address(0));
  AnnotateNewMemory(__FILE__, __LINE__, here - kDeepest, kDeepest);
}

}  // namespace quern::wasm

#endif
