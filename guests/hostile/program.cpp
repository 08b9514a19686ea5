// A WASI 0.1 program for the tests: prints what it was given, and looks at files.
//   program env NAME | args | read PATH | write PATH TEXT
#include <cstdio>
#include <cstdlib>
#include <string_view>

int main(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "args";
  if (what == "env" && count > 2) {
    const char* value = std::getenv(arguments[2]);
    std::printf("%s\n", value != nullptr ? value : "(unset)");
    return 0;
  }
  if (what == "args") {
    for (int i = 0; i < count; ++i) std::printf("%s\n", arguments[i]);
    return 0;
  }
  if (what == "read" && count > 2) {
    std::FILE* file = std::fopen(arguments[2], "r");
    if (file == nullptr) {
      std::perror(arguments[2]);
      return 3;
    }
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) std::putchar(c);
    return 0;
  }
  if (what == "write" && count > 3) {
    std::FILE* file = std::fopen(arguments[2], "w");
    if (file == nullptr) {
      std::perror(arguments[2]);
      return 4;
    }
    std::fputs(arguments[3], file);
    return std::fclose(file) == 0 ? 0 : 5;
  }
  return 2;
}
