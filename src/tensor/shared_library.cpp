#include "tensor/shared_library.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace quern::tensor {
namespace {

using Path = std::filesystem::path;

// libonnxruntime.so, libonnxruntime.so.1, libonnxruntime.so.1.32.0; the shortest name first.
void add_libraries(const Path& folder, std::string_view file, Files& files,
                   std::vector<Path>& places) {
  const auto names = files.list(folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name.starts_with(file)) places.push_back(folder / name);
  }
}

// ROOT/python3.11/FOLDER/PACKAGE for each Python there, the newest first.
void add_python(const Path& root, const char* folder, const SharedLibrary& library, Files& files,
                std::vector<Path>& places) {
  const auto names = files.list(root);
  if (!names.ok()) return;
  for (auto name = names->rbegin(); name != names->rend(); ++name) {
    if (!name->starts_with("python3")) continue;
    add_libraries(root / *name / folder / library.package, library.file, files, places);
  }
}

Result<> open_library(const Path& place, const std::function<Result<>(void*, const Path&)>& use) {
  void* const handle = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle != nullptr) return use(handle, place);
  const char* const why = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
  return fail(ErrorKind::unsupported, why == nullptr ? place.string() : why);
}

}  // namespace

std::vector<Path> library_places(const SharedLibrary& library, const Process& process,
                                 Files& files) {
  std::vector<Path> places;
  const Path beside = process.executable().parent_path();
  add_libraries(beside, library.file, files, places);
  add_libraries(beside.parent_path() / "lib" / "quern", library.file, files, places);
  for (const char* name : library.system) places.emplace_back(name);
  // Where its name has the version in it, the system's search does not find it.
  for (const char* folder : {"/usr/local/lib", "/usr/lib/x86_64-linux-gnu",
                             "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"}) {
    add_libraries(folder, library.file, files, places);
  }
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (const auto root = process.env(variable)) {
      add_python(Path(*root) / "lib", "site-packages", library, files, places);
    }
  }
  if (const auto home = process.env("HOME")) {
    add_python(Path(*home) / ".local" / "lib", "site-packages", library, files, places);
  }
  add_python("/usr/local/lib", "dist-packages", library, files, places);
  add_python("/usr/lib", "dist-packages", library, files, places);
  return places;
}

Result<> load_library(const SharedLibrary& library, const Process& process, Files& files,
                      const std::function<Result<>(void*, const Path&)>& use) {
  if (const auto named = process.env(library.variable)) {
    return open_library(*named, use).context(std::string(library.variable) + "=" + *named);
  }
  std::optional<Error> unusable;  // of those that are here, why the first cannot be used
  const auto ask = [&](void* handle, const Path& place) -> Result<> {
    Result<> used = use(handle, place);
    if (!used.ok() && !unusable) unusable = used.error();
    return used;
  };
  for (const Path& place : library_places(library, process, files)) {
    if (open_library(place, ask).ok()) return {};
  }
  if (unusable) return fail(ErrorKind::not_found, unusable->message());
  return fail(ErrorKind::not_found, std::string(library.missing));
}

bool speaks_of_memory(std::string_view words) {
  constexpr std::array kWords = {"memory", "bad_alloc", "bad allocation"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](const char* word) { return words.find(word) != std::string_view::npos; });
}

Failure not_loaded(const Error& error) {
  const bool vague = error.kind() == ErrorKind::internal;
  return fail(vague ? ErrorKind::corrupt_data : error.kind(), error.message());
}

}  // namespace quern::tensor
