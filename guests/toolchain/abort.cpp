// The three ways in which the C and C++ libraries give up: a library check (a bad variant access,
// say), a failed assert, a pure virtual call. All trap, which the host reports with the guest's
// backtrace. The libraries' own versions print first, which would bring stdio and with it imports
// of standard streams into every component.
#include <__verbose_abort>

void std::__libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }

extern "C" {
[[noreturn]] void __assert_fail(const char*, const char*, int, const char*) { __builtin_trap(); }
[[noreturn]] void abort_message(const char*, ...) { __builtin_trap(); }
}
