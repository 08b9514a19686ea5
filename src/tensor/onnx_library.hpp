// ONNX Runtime's table of functions.
#pragma once

#include "base/files.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

#include <onnxruntime_c_api.h>

#include <string>

namespace quern::tensor {

// Functions of this version and older ones are used (ONNX Runtime 1.14, of 2023); newer libraries
// have them all.
inline constexpr std::uint32_t kOnnxApi = 14;

struct OnnxLibrary {
  const OrtApi* api = nullptr;
  std::string version;
};

// Kept until the process ends. Errors as of load_library.
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
