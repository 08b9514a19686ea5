// Three layouts, all little-endian, without padding between tensors.
//
//   version 0   seven i32 (shape), then f32. No magic number; the count of the vocabulary is
//               negative when the classifier is not the embedding's table.
//   version 1   256 bytes: "ak42" as u32, the version, the shape, one byte (the classifier is
//               shared), zeros. The norms come first.
//   version 2   as 1, with the size of a group after that byte. Norms in f32; every other tensor as
//               i8 and then its factors.
//
// Within a kind of tensor the layers follow each other.
#include "inference/checkpoint.hpp"

#include "inference/model_metadata.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <utility>

namespace quern::inference {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kMagic = 0x616b3432;  // "ak42"
constexpr std::size_t kHeader = 256;
constexpr std::uint64_t kLargestCheckpoint = 8ULL << 30U;  // as f32
// Wide enough for every Llama; with these no product below leaves 64 bits.
constexpr std::int32_t kMostWide = 1 << 18U;
constexpr std::int32_t kMostHeads = 1 << 12U;
constexpr std::int32_t kMostWords = 1 << 22U;

Failure corrupt(const std::string& what) { return fail(ErrorKind::corrupt_data, what); }

struct Layout {
  std::uint32_t version = 0;
  bool shared_classifier = true;
  std::uint32_t group = 0;
};

template <class Number>
Number number_at(const std::array<char, kHeader>& bytes, std::size_t offset) {
  Number value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

bool within(std::int32_t value, std::int32_t most) { return value >= 1 && value <= most; }

// The seven numbers, or false where no model has such.
bool read_shape(const std::array<char, kHeader>& bytes, std::size_t offset, Checkpoint& shape) {
  std::array<std::int32_t, 7> numbers{};
  std::memcpy(numbers.data(), bytes.data() + offset, sizeof numbers);
  const auto [wide, hidden, layers, heads, kv_heads, words, context] = numbers;
  if (!within(wide, kMostWide) || !within(hidden, 4 * kMostWide) || !within(layers, kMostLayers) ||
      !within(heads, kMostHeads) || !within(kv_heads, heads) || !within(words, kMostWords) ||
      !within(context, kMostWide)) {
    return false;
  }
  if (wide % heads != 0 || heads % kv_heads != 0 || wide / heads % 2 != 0) return false;
  shape.embedding = static_cast<std::uint32_t>(wide);
  shape.feed_forward = static_cast<std::uint32_t>(hidden);
  shape.layers = static_cast<std::uint32_t>(layers);
  shape.heads = static_cast<std::uint32_t>(heads);
  shape.kv_heads = static_cast<std::uint32_t>(kv_heads);
  shape.vocabulary = static_cast<std::uint32_t>(words);
  shape.context = static_cast<std::uint32_t>(context);
  return true;
}

// Puts one tensor after the other and so knows where each lies.
class Placer {
 public:
  Placer(Checkpoint& checkpoint, std::uint64_t begin, std::uint32_t group)
      : checkpoint_(checkpoint), at_(begin), group_(group) {}

  void matrix(std::string name, std::uint64_t columns, std::uint64_t rows) {
    put({.name = std::move(name), .columns = columns, .rows = rows, .group = group_});
  }
  void matrices(const std::string& name, std::uint64_t columns, std::uint64_t rows) {
    for (std::uint32_t layer = 0; layer < checkpoint_.layers; ++layer) {
      matrix(of_layer(layer, name), columns, rows);
    }
  }
  void norm(std::string name) {
    put({.name = std::move(name), .columns = checkpoint_.embedding, .group = 0});
  }
  void norms(const std::string& name) {
    for (std::uint32_t layer = 0; layer < checkpoint_.layers; ++layer) norm(of_layer(layer, name));
  }
  void skip(std::uint64_t bytes) { at_ += bytes; }
  std::uint64_t end() const { return at_; }

 private:
  static std::string of_layer(std::uint32_t layer, const std::string& name) {
    return "blk." + std::to_string(layer) + "." + name + ".weight";
  }
  void put(Checkpoint::Tensor tensor) {
    tensor.offset = at_;
    const std::uint64_t elements = tensor.elements();
    at_ += tensor.group == 0 ? 4 * elements : elements + 4 * (elements / tensor.group);
    checkpoint_.tensors.push_back(std::move(tensor));
  }

  Checkpoint& checkpoint_;
  std::uint64_t at_;
  std::uint32_t group_;
};

void place_attention(Placer& place, const Checkpoint& shape) {
  const std::uint64_t wide = shape.embedding;
  const std::uint64_t kv_wide = wide / shape.heads * shape.kv_heads;
  place.matrices("attn_q", wide, wide);
  place.matrices("attn_k", wide, kv_wide);
  place.matrices("attn_v", wide, kv_wide);
  place.matrices("attn_output", wide, wide);
}

void place_feed_forward(Placer& place, const Checkpoint& shape) {
  place.matrices("ffn_gate", shape.embedding, shape.feed_forward);
  place.matrices("ffn_down", shape.feed_forward, shape.embedding);
  place.matrices("ffn_up", shape.embedding, shape.feed_forward);
}

void place_old(Placer& place, const Checkpoint& shape) {
  place.matrix("token_embd.weight", shape.embedding, shape.vocabulary);
  place.norms("attn_norm");
  place_attention(place, shape);
  place.norms("ffn_norm");
  place_feed_forward(place, shape);
  place.norm("output_norm.weight");
  // Cosines and sines of the rotation, which everybody computes today.
  place.skip(std::uint64_t{4} * shape.context * (shape.embedding / shape.heads));
}

void place_new(Placer& place, const Checkpoint& shape) {
  place.norms("attn_norm");
  place.norms("ffn_norm");
  place.norm("output_norm.weight");
  place.matrix("token_embd.weight", shape.embedding, shape.vocabulary);
  place_attention(place, shape);
  place_feed_forward(place, shape);
}

// Returns where the file has to end.
std::uint64_t place_all(const Layout& layout, Checkpoint& checkpoint) {
  Placer place(checkpoint, layout.version == 0 ? 28 : kHeader, layout.group);
  layout.version == 0 ? place_old(place, checkpoint) : place_new(place, checkpoint);
  if (!layout.shared_classifier) {
    place.matrix("output.weight", checkpoint.embedding, checkpoint.vocabulary);
  }
  return place.end();
}

bool whole_groups(const Checkpoint& checkpoint) {
  for (const auto& tensor : checkpoint.tensors) {
    if (tensor.group != 0 && tensor.elements() % tensor.group != 0) return false;
  }
  return true;
}

Result<> check_memory(const Checkpoint& checkpoint) {
  std::uint64_t elements = 0;
  for (const auto& tensor : checkpoint.tensors) elements += tensor.elements();
  if (elements <= kLargestCheckpoint / 4) return {};
  return fail(ErrorKind::resource_exhausted,
              "its weights would take " + std::to_string(elements >> 28U) +
                  " GiB of memory, and 8 are allowed; convert it to GGUF with fewer bits");
}

Result<std::optional<Checkpoint>> read_old(std::array<char, kHeader> bytes, std::uint64_t size) {
  Layout layout;
  const auto words = number_at<std::int32_t>(bytes, 20);
  layout.shared_classifier = words > 0;
  if (words < 0 && words > -kMostWords) {
    const std::int32_t count = -words;
    std::memcpy(bytes.data() + 20, &count, sizeof count);
  }
  Checkpoint checkpoint;
  if (!read_shape(bytes, 0, checkpoint)) return std::nullopt;
  if (place_all(layout, checkpoint) != size) return std::nullopt;
  TRY(check_memory(checkpoint));
  return checkpoint;
}

Result<std::optional<Checkpoint>> read_new(const std::array<char, kHeader>& bytes,
                                           std::uint64_t size) {
  Layout layout{.version = number_at<std::uint32_t>(bytes, 4)};
  if (layout.version != 1 && layout.version != 2) {
    return fail(ErrorKind::unsupported,
                "its version is " + std::to_string(layout.version) + "; versions 0 to 2 are read");
  }
  layout.shared_classifier = bytes[36] != 0;
  if (layout.version == 2) layout.group = number_at<std::uint32_t>(bytes, 37);
  if (layout.version == 2 && layout.group == 0) return corrupt("its groups have no size");
  Checkpoint checkpoint;
  if (!read_shape(bytes, 8, checkpoint)) return corrupt("no model has the shape that it claims");
  const std::uint64_t end = place_all(layout, checkpoint);
  if (!whole_groups(checkpoint)) return corrupt("a tensor is not whole groups");
  if (end != size) {
    return corrupt(size < end ? "the file is truncated" : "the file is longer than its shape");
  }
  TRY(check_memory(checkpoint));
  return checkpoint;
}

}  // namespace

Result<std::optional<Checkpoint>> read_checkpoint(const std::filesystem::path& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error || size <= kHeader) return std::nullopt;  // no vocabulary is as small as that
  std::array<char, kHeader> bytes{};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(bytes.data(), kHeader)) return std::nullopt;
  const bool has_magic = number_at<std::uint32_t>(bytes, 0) == kMagic;
  return (has_magic ? read_new(bytes, size) : read_old(bytes, size))
      .context(path.string() + " is not a usable llama2.c checkpoint");
}

}  // namespace quern::inference
