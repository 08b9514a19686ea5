#include "inference/checkpoint_gguf.hpp"

#include "inference/checkpoint_words.hpp"

#include <ggml.h>
#include <gguf.h>
#include <llama.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

namespace quern::inference {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
using Gguf = std::unique_ptr<gguf_context, Free<gguf_free>>;
using Shapes = std::unique_ptr<ggml_context, Free<ggml_free>>;

constexpr std::size_t kPiece = 1U << 18U;  // elements on their way

void set_shape(gguf_context* gguf, const Checkpoint& checkpoint) {
  gguf_set_val_str(gguf, "general.architecture", "llama");
  gguf_set_val_u32(gguf, "llama.context_length", checkpoint.context);
  gguf_set_val_u32(gguf, "llama.embedding_length", checkpoint.embedding);
  gguf_set_val_u32(gguf, "llama.block_count", checkpoint.layers);
  gguf_set_val_u32(gguf, "llama.feed_forward_length", checkpoint.feed_forward);
  gguf_set_val_u32(gguf, "llama.attention.head_count", checkpoint.heads);
  gguf_set_val_u32(gguf, "llama.attention.head_count_kv", checkpoint.kv_heads);
  gguf_set_val_u32(gguf, "llama.rope.dimension_count", checkpoint.embedding / checkpoint.heads);
  // What llama2.c computes with (run.c).
  gguf_set_val_f32(gguf, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
  gguf_set_val_f32(gguf, "llama.rope.freq_base", 10000.F);
}

std::int32_t type_of(CheckpointWord::Kind kind) {
  using Kind = CheckpointWord::Kind;
  switch (kind) {
    case Kind::unknown: return LLAMA_TOKEN_TYPE_UNKNOWN;
    case Kind::control: return LLAMA_TOKEN_TYPE_CONTROL;
    case Kind::byte: return LLAMA_TOKEN_TYPE_BYTE;
    case Kind::normal: break;
  }
  return LLAMA_TOKEN_TYPE_NORMAL;
}

void set_words(gguf_context* gguf, const std::vector<CheckpointWord>& words) {
  std::vector<const char*> texts;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  for (const CheckpointWord& word : words) {
    texts.push_back(word.text.c_str());
    scores.push_back(word.score);
    types.push_back(type_of(word.kind));
  }
  gguf_set_val_str(gguf, "tokenizer.ggml.model", "llama");
  gguf_set_arr_str(gguf, "tokenizer.ggml.tokens", texts.data(), texts.size());
  gguf_set_arr_data(gguf, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
  gguf_set_arr_data(gguf, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
  gguf_set_val_u32(gguf, "tokenizer.ggml.unknown_token_id", 0);
  gguf_set_val_u32(gguf, "tokenizer.ggml.bos_token_id", 1);
  gguf_set_val_u32(gguf, "tokenizer.ggml.eos_token_id", 2);
}

void add_tensor(gguf_context* gguf, ggml_context* shapes, const Checkpoint::Tensor& tensor) {
  const auto columns = static_cast<std::int64_t>(tensor.columns);
  const auto rows = static_cast<std::int64_t>(tensor.rows);
  ggml_tensor* const shape = rows == 1 ? ggml_new_tensor_1d(shapes, GGML_TYPE_F32, columns)
                                       : ggml_new_tensor_2d(shapes, GGML_TYPE_F32, columns, rows);
  ggml_set_name(shape, tensor.name.c_str());
  gguf_add_tensor(gguf, shape);
}

Result<> write_at(int file, const void* data, std::size_t size, std::uint64_t offset) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t wrote = ::pwrite(file, from, size, static_cast<off_t>(offset));
    if (wrote <= 0) {
      return fail(ErrorKind::resource_exhausted,
                  std::string("no memory for a checkpoint's weights: ") + std::strerror(errno));
    }
    from += wrote;
    offset += static_cast<std::uint64_t>(wrote);
    size -= static_cast<std::size_t>(wrote);
  }
  return {};
}

// Reads a tensor's elements as f32, in order, a piece at a time.
class ElementReader {
 public:
  ElementReader(std::ifstream& file, const Checkpoint::Tensor& tensor)
      : file_(file), tensor_(tensor) {}

  Result<> next(std::vector<float>& piece) {
    if (tensor_.group == 0) {
      TRY(read(tensor_.offset + 4 * at_, piece.data(), 4 * piece.size()));
    } else {
      TRY(multiply_out(piece));
    }
    at_ += piece.size();
    return {};
  }

 private:
  Result<> multiply_out(std::vector<float>& piece) {
    const std::uint64_t first = at_ / tensor_.group;
    const std::uint64_t last = (at_ + piece.size() - 1) / tensor_.group;
    integers_.resize(piece.size());
    factors_.resize(last - first + 1);
    TRY(read(tensor_.offset + at_, integers_.data(), integers_.size()));
    TRY(read(tensor_.offset + tensor_.elements() + 4 * first, factors_.data(),
             4 * factors_.size()));
    for (std::size_t i = 0; i < piece.size(); ++i) {
      piece[i] = static_cast<float>(integers_[i]) * factors_[(at_ + i) / tensor_.group - first];
    }
    return {};
  }
  Result<> read(std::uint64_t offset, void* into, std::size_t size) {
    file_.seekg(static_cast<std::streamoff>(offset));
    file_.read(static_cast<char*>(into), static_cast<std::streamsize>(size));
    if (!file_) return fail(ErrorKind::corrupt_data, "the checkpoint changed while it was read");
    return {};
  }

  std::ifstream& file_;
  const Checkpoint::Tensor& tensor_;
  std::uint64_t at_ = 0;
  std::vector<std::int8_t> integers_;
  std::vector<float> factors_;
};

Result<> write_tensor(int out, std::ifstream& file, const Checkpoint::Tensor& tensor,
                      std::uint64_t offset) {
  ElementReader reader(file, tensor);
  std::vector<float> piece;
  for (std::uint64_t left = tensor.elements(); left > 0; left -= piece.size()) {
    piece.resize(std::min<std::uint64_t>(left, kPiece));
    TRY(reader.next(piece));
    TRY(write_at(out, piece.data(), 4 * piece.size(), offset));
    offset += 4 * piece.size();
  }
  return {};
}

}  // namespace

Result<UniqueFd> checkpoint_as_gguf(const std::filesystem::path& path,
                                    const Checkpoint& checkpoint) {
  const std::vector<CheckpointWord> words =
      TRY(read_words(path.parent_path() / "tokenizer.bin", checkpoint.vocabulary));
  const Gguf gguf(gguf_init_empty());
  const Shapes shapes(ggml_init({.mem_size = ggml_tensor_overhead() * checkpoint.tensors.size(),
                                 .mem_buffer = nullptr,
                                 .no_alloc = true}));
  if (!gguf || !shapes) return fail(ErrorKind::resource_exhausted, "no memory for a model's shape");
  set_shape(gguf.get(), checkpoint);
  set_words(gguf.get(), words);
  for (const auto& tensor : checkpoint.tensors) add_tensor(gguf.get(), shapes.get(), tensor);

  UniqueFd out(::memfd_create("checkpoint.gguf", MFD_CLOEXEC));
  std::vector<char> head(gguf_get_meta_size(gguf.get()));
  gguf_get_meta_data(gguf.get(), head.data());
  TRY(write_at(out.get(), head.data(), head.size(), 0));
  std::ifstream file(path, std::ios::binary);
  for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
    const auto offset =
        head.size() + gguf_get_tensor_offset(gguf.get(), static_cast<std::int64_t>(i));
    TRY(write_tensor(out.get(), file, checkpoint.tensors[i], offset)
            .context("reading " + path.string()));
  }
  return out;
}

}  // namespace quern::inference
