// OpenVINO's C functions, found at run time.
#pragma once

#include "base/files.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

#include <openvino/c/openvino.h>

#include <string>
#include <string_view>
#include <utility>

namespace quern::tensor {

// The functions that are called, by their names without "ov_": a member of the header's own type
// each, and a row of what is looked up. Written once, so that neither can miss one.
#define QUERN_OPENVINO_FUNCTIONS(each)                                                             \
  each(get_openvino_version) each(version_free) each(get_error_info) each(get_last_err_msg)        \
      each(free) each(core_create) each(core_free) each(core_read_model)                           \
          each(core_read_model_from_memory_buffer) each(core_compile_model) each(model_free) each( \
              compiled_model_free) each(compiled_model_inputs_size)                                \
              each(compiled_model_input_by_index) each(compiled_model_input_by_name) each(         \
                  compiled_model_outputs_size) each(compiled_model_output_by_index)                \
                  each(compiled_model_create_infer_request) each(output_const_port_free) each(     \
                      port_get_any_name) each(port_get_element_type) each(port_get_partial_shape)  \
                      each(partial_shape_free) each(infer_request_free)                            \
                          each(infer_request_set_input_tensor_by_index)                            \
                              each(infer_request_get_output_tensor_by_index)                       \
                                  each(infer_request_start_async) each(infer_request_wait)         \
                                      each(infer_request_cancel) each(tensor_create)               \
                                          each(tensor_create_from_host_ptr) each(tensor_free)      \
                                              each(tensor_data) each(tensor_get_element_type)      \
                                                  each(tensor_get_shape)                           \
                                                      each(tensor_get_byte_size) each(shape_free)

struct OpenVinoFunctions {
#define QUERN_MEMBER(name) decltype(&::ov_##name) name;
  QUERN_OPENVINO_FUNCTIONS(QUERN_MEMBER)
#undef QUERN_MEMBER
};

struct OpenVino : OpenVinoFunctions {
  std::string version;  // "2026.4.1"
};

// From 2026.2 on. Before, a constant of texts that leads out of the weights ends the process;
// before 2026.1, a TensorFlow Lite file that is cut off; before 2025.1, element types have other
// numbers.
bool can_use_openvino(std::string_view version);

// Kept until the process ends. Errors as of load_library.
Result<OpenVino> load_openvino(const Process& process, Files& files);

// What a call answered, as our error.
Result<> check(const OpenVino& ov, ov_status_e status);

// An object of the library's, freed by its own function.
template <class T>
class Ov {
 public:
  explicit Ov(void (*free)(T*)) : free_(free) {}
  ~Ov() {
    if (held_ != nullptr) free_(held_);
  }
  Ov(const Ov&) = delete;
  Ov& operator=(const Ov&) = delete;

  // For the function that makes it; once.
  T** out() { return &held_; }
  T* get() const { return held_; }
  T* release() { return std::exchange(held_, nullptr); }

 private:
  T* held_ = nullptr;
  void (*const free_)(T*);
};

}  // namespace quern::tensor
