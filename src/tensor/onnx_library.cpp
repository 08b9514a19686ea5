#include "tensor/onnx_library.hpp"

#include "base/text.hpp"

#include <dlfcn.h>

#include <algorithm>

namespace quern::tensor {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view kVariable = "QUERN_ONNXRUNTIME";
constexpr std::string_view kFile = "libonnxruntime.so";

// libonnxruntime.so, libonnxruntime.so.1, libonnxruntime.so.1.32.0; the shortest name first.
void add_libraries(const Path& folder, Files& files, std::vector<Path>& places) {
  const auto names = files.list(folder);
  if (!names.ok()) return;
  std::vector<std::string> found;
  for (const std::string& name : *names) {
    if (name.starts_with(kFile)) found.push_back(name);
  }
  for (const std::string& name : found) places.push_back(folder / name);
}

// ROOT/python3.11/FOLDER/onnxruntime/capi for each Python there, the newest first.
void add_python(const Path& root, const char* folder, Files& files, std::vector<Path>& places) {
  const auto names = files.list(root);
  if (!names.ok()) return;
  for (auto name = names->rbegin(); name != names->rend(); ++name) {
    if (!name->starts_with("python3")) continue;
    add_libraries(root / *name / folder / "onnxruntime" / "capi", files, places);
  }
}

ErrorKind kind_of(OrtErrorCode code, std::string_view message) {
  for (const std::string_view memory : {"memory", "bad_alloc", "bad allocation"}) {
    if (message.find(memory) != std::string_view::npos) return ErrorKind::resource_exhausted;
  }
  switch (code) {
    case ORT_INVALID_ARGUMENT: return ErrorKind::invalid_argument;
    case ORT_NO_SUCHFILE: return ErrorKind::not_found;
    case ORT_NO_MODEL:
    case ORT_INVALID_PROTOBUF:
    case ORT_INVALID_GRAPH: return ErrorKind::corrupt_data;
    case ORT_NOT_IMPLEMENTED: return ErrorKind::unsupported;
    case ORT_MODEL_LOAD_CANCELED: return ErrorKind::cancelled;
    default: return ErrorKind::internal;
  }
}

Result<OnnxLibrary> open_library(const Path& place) {
  // RTLD_NODELETE: its threads run until the process ends.
  void* const library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* const why = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
    return fail(ErrorKind::unsupported, why == nullptr ? place.string() : why);
  }
  const auto base =
      reinterpret_cast<const OrtApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));  // NOLINT
  if (base == nullptr) {
    return fail(ErrorKind::unsupported, place.string() + " is not ONNX Runtime");
  }
  OnnxLibrary found{.api = base()->GetApi(kOnnxApi), .version = base()->GetVersionString()};
  if (found.api != nullptr) return found;
  return fail(ErrorKind::unsupported, place.string() + " is ONNX Runtime " + found.version +
                                          "; 1.14 is the oldest that can be used");
}

}  // namespace

std::vector<Path> onnx_library_places(const Process& process, Files& files) {
  std::vector<Path> places;
  const Path beside = process.executable().parent_path();
  add_libraries(beside, files, places);
  add_libraries(beside.parent_path() / "lib" / "quern", files, places);
  places.emplace_back("libonnxruntime.so.1");
  places.emplace_back(kFile);
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (const auto root = process.env(variable)) {
      add_python(Path(*root) / "lib", "site-packages", files, places);
    }
  }
  if (const auto home = process.env("HOME")) {
    add_python(Path(*home) / ".local" / "lib", "site-packages", files, places);
  }
  add_python("/usr/local/lib", "dist-packages", files, places);
  add_python("/usr/lib", "dist-packages", files, places);
  return places;
}

Result<OnnxLibrary> load_onnx_library(const Process& process, Files& files) {
  if (const auto named = process.env(kVariable)) {
    return open_library(*named).context(std::string(kVariable) + "=" + *named);
  }
  for (const Path& place : onnx_library_places(process, files)) {
    auto library = open_library(place);
    if (library.ok()) return library;
  }
  return fail(ErrorKind::unsupported,
              "ONNX graphs need ONNX Runtime, and no libonnxruntime.so is here: pip install "
              "onnxruntime, or name one with QUERN_ONNXRUNTIME=/path/to/libonnxruntime.so");
}

Result<> check(const OrtApi& api, OrtStatus* status) {
  if (status == nullptr) return {};
  const std::string message(trim(api.GetErrorMessage(status)));
  const OrtErrorCode code = api.GetErrorCode(status);
  api.ReleaseStatus(status);
  return fail(kind_of(code, message), message);
}

}  // namespace quern::tensor
