// Where ONNX Runtime's shared library is, and its table of functions.
#pragma once

#include "base/files.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

#include <onnxruntime_c_api.h>

#include <filesystem>
#include <string>
#include <vector>

namespace quern::tensor {

// Functions of this version and older ones are used (ONNX Runtime 1.14, of 2023); newer libraries
// have them all.
inline constexpr std::uint32_t kOnnxApi = 14;

struct OnnxLibrary {
  const OrtApi* api = nullptr;
  std::string version;
};

// Names for dlopen, in the order in which they are tried: beside the executable, the system's,
// those of Python's package onnxruntime (of the active environment, the user's, the system's).
std::vector<std::filesystem::path> onnx_library_places(const Process& process, Files& files);

// Loaded once, and kept until the process ends: its threads could not survive anything else.
// unsupported, saying what to do.
Result<OnnxLibrary> load_onnx_library(const Process& process, Files& files);

// What a call answered, as our error; frees it. `doing`: the message's beginning.
Result<> check(const OrtApi& api, OrtStatus* status);

// An object of the library's, freed by its own function.
template <class T>
class Ort {
 public:
  explicit Ort(void (*free)(T*)) : free_(free) {}
  ~Ort() {
    if (held_ != nullptr) free_(held_);
  }
  Ort(const Ort&) = delete;
  Ort& operator=(const Ort&) = delete;

  // For the function that makes it; once.
  T** out() { return &held_; }
  T* get() const { return held_; }

 private:
  T* held_ = nullptr;
  void (*const free_)(T*);
};

}  // namespace quern::tensor
