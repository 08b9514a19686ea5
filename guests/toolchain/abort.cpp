// What the C++ library calls when it must give up (a bad variant access, say): trap, which the
// host reports with the guest's backtrace. The library's own version prints first, which would
// bring stdio and with it imports of standard output into every component.
#include <__verbose_abort>

void std::__libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }
