#include "inference/model_file.hpp"

#include "inference/gguf_file.hpp"

namespace quern::inference {

Result<> check_model_file(const std::filesystem::path& path) {
  TRY(read_gguf(path, "model", check_metadata));
  return {};
}

}  // namespace quern::inference
