// GGUF: a header of counts, key-value pairs, a table of tensors, and the tensors' data
// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Everything in it is a claim about
// lengths; each is held against what is left of the file before it is believed.
#include "inference/gguf_file.hpp"

#include <ggml.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quern::inference {
namespace {

// Above every model there is; a file that claims more is lying.
constexpr std::uint64_t kMostPairs = 1U << 14U;
constexpr std::uint64_t kMostTensors = 1U << 17U;
constexpr std::uint64_t kLongestName = 1U << 12U;
constexpr std::uint64_t kLongestString = 1U << 26U;
constexpr std::uint32_t kMostDimensions = GGML_MAX_DIMS;
constexpr std::uint64_t kMostAlignment = 1U << 16U;
constexpr std::string_view kAlpha = "adapter.lora.alpha";

enum class Kind : std::uint32_t {  // of values, numbered as in the specification
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64,
  end
};

std::uint64_t size_of(Kind kind) {
  switch (kind) {
    case Kind::u8:
    case Kind::i8:
    case Kind::boolean: return 1;
    case Kind::u16:
    case Kind::i16: return 2;
    case Kind::u32:
    case Kind::i32:
    case Kind::f32: return 4;
    case Kind::u64:
    case Kind::i64:
    case Kind::f64:
    case Kind::string: return 8;
    case Kind::array:
    case Kind::end: return 0;
  }
  return 0;
}

Failure corrupt(const std::string& what) { return fail(ErrorKind::corrupt_data, what); }

// Reads forward and never past the end.
class Reader {
 public:
  Reader(const std::filesystem::path& path, std::uint64_t size)
      : file_(path, std::ios::binary), size_(size) {}

  bool open() const { return file_.is_open(); }
  std::uint64_t left() const { return size_ - at_; }
  std::uint64_t at() const { return at_; }

  Result<> bytes(void* into, std::uint64_t count) {
    if (count > left()) return corrupt("the file is truncated");
    file_.read(static_cast<char*>(into), static_cast<std::streamsize>(count));
    if (!file_) return corrupt("the file cannot be read to its end");
    at_ += count;
    return {};
  }
  template <class Number>
  Result<Number> number() {
    Number value{};
    TRY(bytes(&value, sizeof value));
    return value;
  }
  Result<> skip(std::uint64_t count) {
    if (count > left()) return corrupt("the file is truncated");
    // A seek throws the stream's buffer away; a vocabulary has a hundred thousand short texts.
    constexpr std::uint64_t kWorthSeeking = 1U << 16U;
    const auto distance = static_cast<std::streamoff>(count);
    count < kWorthSeeking ? file_.ignore(distance) : file_.seekg(distance, std::ios::cur);
    at_ += count;
    return {};
  }
  Result<std::string> string(std::uint64_t longest) {
    const auto length = TRY(number<std::uint64_t>());
    if (length > longest || length > left()) return corrupt("a string is longer than can be");
    std::string text(length, '\0');
    TRY(bytes(text.data(), length));
    return text;
  }

 private:
  std::ifstream file_;
  std::uint64_t size_;
  std::uint64_t at_ = 0;
};

struct Header {
  std::uint64_t tensors = 0;
  std::uint64_t pairs = 0;
};

Result<Header> read_header(Reader& file) {
  std::array<char, 4> magic{};
  TRY(file.bytes(magic.data(), magic.size()));
  if (magic != std::array{'G', 'G', 'U', 'F'}) return corrupt("it is not a GGUF file");
  const auto version = TRY(file.number<std::uint32_t>());
  if (version < 2 || version > 3) {
    return fail(ErrorKind::unsupported, "its GGUF version is " + std::to_string(version));
  }
  Header header;
  header.tensors = TRY(file.number<std::uint64_t>());
  header.pairs = TRY(file.number<std::uint64_t>());
  if (header.tensors > kMostTensors) return corrupt("it claims too many tensors");
  if (header.pairs > kMostPairs) return corrupt("it claims too many metadata pairs");
  return header;
}

Result<Kind> read_kind(Reader& file) {
  const auto kind = TRY(file.number<std::uint32_t>());
  if (kind >= static_cast<std::uint32_t>(Kind::end)) return corrupt("a value has no known type");
  return static_cast<Kind>(kind);
}

Result<MetadataValue> read_scalar(Reader& file, Kind kind) {
  switch (kind) {
    case Kind::u8: return MetadataValue{std::int64_t{TRY(file.number<std::uint8_t>())}};
    case Kind::i8: return MetadataValue{std::int64_t{TRY(file.number<std::int8_t>())}};
    case Kind::u16: return MetadataValue{std::int64_t{TRY(file.number<std::uint16_t>())}};
    case Kind::i16: return MetadataValue{std::int64_t{TRY(file.number<std::int16_t>())}};
    case Kind::u32: return MetadataValue{std::int64_t{TRY(file.number<std::uint32_t>())}};
    case Kind::i32: return MetadataValue{std::int64_t{TRY(file.number<std::int32_t>())}};
    case Kind::i64: return MetadataValue{TRY(file.number<std::int64_t>())};
    case Kind::u64: {
      const auto value = TRY(file.number<std::uint64_t>());
      return MetadataValue{static_cast<std::int64_t>(
          std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()))};
    }
    case Kind::f32: return MetadataValue{double{TRY(file.number<float>())}};
    case Kind::f64: return MetadataValue{TRY(file.number<double>())};
    case Kind::boolean: {
      const auto value = TRY(file.number<std::uint8_t>());
      if (value > 1) return corrupt("a truth value is neither");
      return MetadataValue{std::int64_t{value}};
    }
    case Kind::string: return MetadataValue{TRY(file.string(kLongestString))};
    case Kind::array:
    case Kind::end: break;
  }
  return corrupt("a value has no known type");
}

// llama.cpp ends the process over a vocabulary with a word in it twice. It sees a word up to the
// first zero, and an empty one by its number. Remembers hashes: a vocabulary has 260,000 words.
Result<> read_words(Reader& file, std::uint64_t count) {
  std::vector<std::size_t> seen;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string word = TRY(file.string(kLongestString));
    word.resize(std::min(word.find('\0'), word.size()));
    if (word.empty()) word = "[EMPTY_" + std::to_string(i) + "]";
    seen.push_back(std::hash<std::string>()(word));
  }
  std::sort(seen.begin(), seen.end());
  if (std::adjacent_find(seen.begin(), seen.end()) == seen.end()) return {};
  return corrupt("a word comes twice");
}

Result<> skip_texts(Reader& file, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto length = TRY(file.number<std::uint64_t>());
    if (length > kLongestString) return corrupt("a string is longer than can be");
    TRY(file.skip(length));
  }
  return {};
}

Result<MetadataValue> read_array(Reader& file, std::string_view key) {
  const Kind kind = TRY(read_kind(file));
  if (kind == Kind::array) return fail(ErrorKind::unsupported, "an array holds arrays");
  const auto count = TRY(file.number<std::uint64_t>());
  if (count > file.left() / size_of(kind)) return corrupt("an array is longer than the file");
  MetadataArray array{.count = count, .is_text = kind == Kind::string, .numbers = {}};
  const bool integers = kind != Kind::string && kind != Kind::f32 && kind != Kind::f64;
  if (kind == Kind::string) {
    TRY(key == "tokenizer.ggml.tokens" ? read_words(file, count) : skip_texts(file, count));
  } else if (integers && count <= MetadataArray::kMostNumbers) {
    for (std::uint64_t i = 0; i < count; ++i) {
      array.numbers.push_back(std::get<std::int64_t>(TRY(read_scalar(file, kind))));
    }
  } else {
    TRY(file.skip(count * size_of(kind)));
  }
  return MetadataValue{std::move(array)};
}

Result<Metadata> read_metadata(Reader& file, std::uint64_t pairs) {
  Metadata metadata;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    std::string key = TRY(file.string(kLongestName));
    const Kind kind = TRY(read_kind(file));
    // Another kind of number ends the process in llama.cpp.
    if (key == kAlpha && kind != Kind::f32) return corrupt("'" + key + "' is no 32-bit float");
    auto value = kind == Kind::array ? read_array(file, key) : read_scalar(file, kind);
    if (!value.ok()) return fail(std::move(value).error().wrap("metadata '" + key + "'"));
    if (!metadata.emplace(std::move(key), *std::move(value)).second) {
      return corrupt("a metadata key comes twice");
    }
  }
  return metadata;
}

struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// The bytes of a tensor of this shape, or an error when there can be no such tensor.
Result<std::uint64_t> tensor_bytes(ggml_type type, const std::vector<std::uint64_t>& shape) {
  const auto block = static_cast<std::uint64_t>(ggml_blck_size(type));
  const std::uint64_t block_bytes = ggml_type_size(type);
  if (block == 0 || block_bytes == 0) return corrupt("a tensor's type is not in use any more");
  if (shape.front() % block != 0) return corrupt("a tensor's row is not whole blocks");
  std::uint64_t elements = 1;
  for (const std::uint64_t length : shape) {
    if (length == 0) return corrupt("a tensor is empty");
    constexpr std::uint64_t kMostElements = 1ULL << 48U;
    if (length > kMostElements / elements) return corrupt("a tensor is larger than can be");
    elements *= length;
  }
  return elements / block * block_bytes;
}

struct Placed {
  GgufTensor tensor;
  Extent extent;
};

Result<Placed> read_tensor(Reader& file, std::set<std::string>& names) {
  std::string name = TRY(file.string(kLongestName));
  if (name.size() >= GGML_MAX_NAME) return corrupt("a tensor's name is too long");
  if (!names.insert(name).second) return corrupt("tensor '" + name + "' comes twice");
  const auto dimensions = TRY(file.number<std::uint32_t>());
  if (dimensions == 0 || dimensions > kMostDimensions) {
    return corrupt("tensor '" + name + "' has " + std::to_string(dimensions) + " dimensions");
  }
  std::vector<std::uint64_t> shape(dimensions);
  for (auto& length : shape) length = TRY(file.number<std::uint64_t>());
  const auto type = TRY(file.number<std::uint32_t>());
  if (type >= GGML_TYPE_COUNT) return corrupt("tensor '" + name + "' has no known type");
  Extent extent;
  extent.offset = TRY(file.number<std::uint64_t>());
  extent.size = TRY(tensor_bytes(static_cast<ggml_type>(type), shape).context("'" + name + "'"));
  return Placed{.tensor = {.name = std::move(name), .shape = std::move(shape), .type = type},
                .extent = extent};
}

Result<GgufFile> read(Reader& file, CheckMetadata check_metadata) {
  const Header header = TRY(read_header(file));
  GgufFile contents;
  contents.metadata = TRY(read_metadata(file, header.pairs));
  TRY(check_metadata(contents.metadata));
  std::uint64_t alignment = 32;
  if (const auto* given = find_number(contents.metadata, "general.alignment")) {
    alignment = static_cast<std::uint64_t>(*given);
  }
  if (alignment == 0 || alignment > kMostAlignment || (alignment & (alignment - 1)) != 0) {
    return corrupt("its alignment is not a power of two");
  }
  std::set<std::string> names;
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < header.tensors; ++i) {
    Placed placed = TRY(read_tensor(file, names));
    contents.tensors.push_back(std::move(placed.tensor));
    extents.push_back(placed.extent);
  }
  const std::uint64_t end = file.at() + file.left();
  const std::uint64_t data = (file.at() + alignment - 1) / alignment * alignment;
  for (const Extent& extent : extents) {
    if (extent.offset % alignment != 0) return corrupt("a tensor is not aligned");
    if (data > end || extent.offset > end - data || extent.size > end - data - extent.offset) {
      return corrupt("the file is truncated: a tensor ends behind it");
    }
  }
  if (extents.empty()) return fail(ErrorKind::unsupported, "there are no weights in it");
  return contents;
}

}  // namespace

Result<GgufFile> read_gguf(const std::filesystem::path& path, std::string_view what,
                           CheckMetadata check_metadata) {
  const std::string kind(what);
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return fail(ErrorKind::not_found, "there is no " + kind + " file " + path.string());
  }
  if (!std::filesystem::is_regular_file(status)) {
    return fail(ErrorKind::invalid_argument, path.string() + " is not a file");
  }
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error || size == 0) return corrupt(path.string() + " is empty");
  Reader reader(path, size);
  if (!reader.open()) {
    return fail(ErrorKind::permission_denied, path.string() + " cannot be opened");
  }
  return read(reader, check_metadata).context(path.string() + " is not a usable " + kind);
}

}  // namespace quern::inference
