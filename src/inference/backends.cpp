#include "inference/backends.hpp"

#include "base/guarded.hpp"
#include "base/log.hpp"

#include <dlfcn.h>
#include <ggml-backend.h>
#include <link.h>
#include <llama.h>
#include <log.h>
#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <vector>

namespace quern::inference {
namespace {

// llama.cpp has one log per process, and so one place for its last complaint.
Guarded<std::string>& last_complaint() {
  static Guarded<std::string> text;
  return text;
}

void on_log(ggml_log_level level, const char* text, void* /*unused*/) {
  std::string_view line(text);
  while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  if (line.empty()) return;
  if (level == GGML_LOG_LEVEL_ERROR) *last_complaint().lock() = line;
  log::debug("llama", line);
}

// The file that this code was loaded from: a program, or a shared library within one.
std::filesystem::path own_file() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_file), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  std::error_code ignored;
  return std::filesystem::canonical(info.dli_fname, ignored);
}

std::vector<std::filesystem::path> library_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* named = std::getenv("QUERN_LIB_DIR"); named != nullptr && *named != '\0') {
    folders.emplace_back(named);
  }
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto own = own_file();
  const bool library = own.extension() == ".so" || own.string().find(".so.") != std::string::npos;
  if (library) {
    folders.push_back(own.parent_path());
  } else if (!self.empty()) {
    folders.push_back(self.parent_path() / "../lib/quern");
  }
#ifdef QUERN_LLAMA_LIB_DIR
  folders.emplace_back(QUERN_LLAMA_LIB_DIR);
#endif
  return folders;
}

Result<> load_once() {
  llama_log_set(on_log, nullptr);
  common_log_set_verbosity_thold(-1);
  std::string looked_in;
  for (const auto& folder : library_folders()) {
    looked_in += (looked_in.empty() ? "" : ", ") + folder.string();
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored)) continue;
    ggml_backend_load_all_from_path(folder.c_str());
    if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) != nullptr) {
      llama_backend_init();
      return {};
    }
  }
  return fail(ErrorKind::unavailable, "no CPU back-end for this machine was found in " + looked_in);
}

}  // namespace

Result<> load_backends() {
  static const Result<> outcome = load_once();
  return outcome;
}

std::string backend_name() {
  std::string name = "cpu";
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t /*size*/, void* found) {
        constexpr std::string_view kPrefix = "libggml-cpu-";
        const std::string file = std::filesystem::path(info->dlpi_name).stem();
        if (!file.starts_with(kPrefix)) return 0;
        *static_cast<std::string*>(found) = file.substr(kPrefix.size());
        return 1;
      },
      &name);
  return name;
}

std::uint32_t usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
}

std::string take_last_complaint() {
  return last_complaint().with([](std::string& text) { return std::exchange(text, {}); });
}

}  // namespace quern::inference
