// A command whose lines are records: what it prints is what its first argument says.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "words") {  // each argument behind the first, and a variable
    for (int i = 2; i < argc; ++i) std::printf("%s\n", argv[i]);
    const char* variable = std::getenv("GREETING");
    std::printf("%s", variable == nullptr ? "no greeting" : variable);
    return 0;
  }
  if (what == "code") return std::atoi(argv[2]);
  if (what == "long") {
    std::string line(static_cast<std::size_t>(std::atol(argv[2])), 'x');
    std::printf("%s\nshort\n", line.c_str());
    return 0;
  }
  if (what == "stream") {  // a line at once, and no end
    std::printf("first\n");
    std::fflush(stdout);
    for (;;) sleep(100);
  }
  if (what == "flood") {
    for (unsigned long i = 0;; ++i) std::printf("line %lu\n", i);
  }
  if (what == "trap") {
    std::printf("before\n");
    std::fflush(stdout);
    __builtin_trap();
  }
  return 0;
}
