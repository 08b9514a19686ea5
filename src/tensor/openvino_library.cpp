#include "tensor/openvino_library.hpp"

#include "base/text.hpp"

#include "tensor/shared_library.hpp"
#include <dlfcn.h>

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace quern::tensor {
namespace {

using Path = std::filesystem::path;

SharedLibrary openvino_library() {
  return {
      .variable = "QUERN_OPENVINO",
      .file = "libopenvino_c.so",
      .system = {"libopenvino_c.so"},
      .package = "openvino/libs",
      .missing =
          "graphs of OpenVINO and TensorFlow need it, and no libopenvino_c.so is here: pip install "
          "openvino, or name one with QUERN_OPENVINO=/path/to/libopenvino_c.so"};
}

ErrorKind kind_of(ov_status_e status, std::string_view message) {
  if (speaks_of_memory(message)) return ErrorKind::resource_exhausted;
  switch (status) {
    case PARAMETER_MISMATCH:
    case OUT_OF_BOUNDS:
    case INVALID_C_PARAM: return ErrorKind::invalid_argument;
    case NOT_IMPLEMENTED:
    case NOT_IMPLEMENT_C_METHOD: return ErrorKind::unsupported;
    case NOT_FOUND: return ErrorKind::not_found;
    case INFER_CANCELLED: return ErrorKind::cancelled;
    default: return ErrorKind::internal;
  }
}

// "2026.4.1-21536-4a5b6c" begins with the version.
Result<std::string> version_of(const OpenVino& ov) {
  ov_version_t told{};
  TRY(check(ov, ov.get_openvino_version(&told)));
  const std::string whole(told.buildNumber);
  ov.version_free(&told);
  return whole.substr(0, whole.find('-'));
}

#define QUERN_NAME(name) "ov_" #name,
constexpr std::array kNames = {QUERN_OPENVINO_FUNCTIONS(QUERN_NAME)};
#undef QUERN_NAME
static_assert(sizeof(OpenVinoFunctions) == sizeof(std::array<void*, kNames.size()>));

Result<OpenVino> bind(void* library, const Path& place) {
  OpenVino ov{};
  const char* missing = nullptr;
  std::array<void*, kNames.size()> found{};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    found[i] = dlsym(library, kNames[i]);
    if (found[i] == nullptr) missing = kNames[i];
  }
  std::memcpy(static_cast<OpenVinoFunctions*>(&ov), static_cast<const void*>(found.data()),
              sizeof(found));
  if (ov.get_openvino_version == nullptr) {
    return fail(ErrorKind::unsupported, place.string() + " is not OpenVINO's library for C");
  }
  if (missing != nullptr) {
    return fail(ErrorKind::unsupported, place.string() + " is too old: it has no " + missing);
  }
  ov.version = TRY(version_of(ov));
  if (can_use_openvino(ov.version)) return ov;
  return fail(ErrorKind::unsupported, place.string() + " is OpenVINO " + ov.version +
                                          "; 2026.2 is the oldest that can be used");
}

// Its messages quote the place in its source where a check failed, one a line, ours the last.
std::string last_words(std::string_view message) {
  std::string words;
  for (const std::string_view line : split(message, '\n')) {
    const std::string_view said = trim(line);
    if (said.empty() || said.starts_with("Exception from ")) continue;
    words += (words.empty() ? "" : "; ") + std::string(said);
  }
  return printable(words, 500);
}

}  // namespace

bool can_use_openvino(std::string_view version) {
  int year = 0;
  int release = 0;
  const char* const end = version.data() + version.size();
  const auto dot = std::from_chars(version.data(), end, year);
  if (dot.ec != std::errc() || dot.ptr == end || *dot.ptr != '.') return false;
  if (std::from_chars(dot.ptr + 1, end, release).ec != std::errc()) return false;
  return std::pair(year, release) >= std::pair(2026, 2);
}

Result<OpenVino> load_openvino(const Process& process, Files& files) {
  OpenVino found{};
  const auto use = [&](void* library, const Path& place) -> Result<> {
    found = TRY(bind(library, place));
    return {};
  };
  TRY(load_library(openvino_library(), process, files, use));
  return found;
}

Result<> check(const OpenVino& ov, ov_status_e status) {
  if (status == OK) return {};
  std::string message;
  if (const char* const said = ov.get_last_err_msg()) {
    message = last_words(said);
    ov.free(said);
  }
  if (message.empty()) message = ov.get_error_info(status);
  return fail(kind_of(status, message), message);
}

}  // namespace quern::tensor
