// An ONNX model is one protobuf message (https://onnx.ai/onnx/api/classes.html, onnx.proto), whose
// tensors may lie in other files that it names. Whoever is handed a model by somebody else must not
// follow those names, and the library offers no switch for it. A sparse tensor is made whole as it
// is loaded, outside of any bound: a few bytes name a shape of gigabytes. This walks the messages
// that can hold a tensor, and looks at nothing else.
//
// Protobuf: a message is a row of fields; a field is a varint (number << 3 | wire type), then a
// varint (type 0), 8 bytes (1), a varint length and so many bytes (2), or 4 bytes (5).
#include "tensor/onnx_bytes.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

namespace quern::tensor {
namespace {

// As deep as the library itself reads; a graph within a node within a graph is three levels.
constexpr int kDeepest = 100;

enum class Kind : std::uint8_t {
  model,
  graph,
  node,
  attribute,
  tensor,
  sparse,
  function,
  training
};

struct Child {
  Kind in;
  std::uint32_t field;
  Kind kind;
};
constexpr std::array kChildren = {
    Child{Kind::model, 7, Kind::graph},          // graph
    Child{Kind::model, 20, Kind::training},      // training_info
    Child{Kind::model, 25, Kind::function},      // functions
    Child{Kind::training, 1, Kind::graph},       // initialization
    Child{Kind::training, 2, Kind::graph},       // algorithm
    Child{Kind::function, 7, Kind::node},        // node
    Child{Kind::function, 11, Kind::attribute},  // attribute_proto
    Child{Kind::graph, 1, Kind::node},           // node
    Child{Kind::graph, 5, Kind::tensor},         // initializer
    Child{Kind::graph, 15, Kind::sparse},        // sparse_initializer
    Child{Kind::node, 5, Kind::attribute},       // attribute
    Child{Kind::attribute, 5, Kind::tensor},     // t
    Child{Kind::attribute, 6, Kind::graph},      // g
    Child{Kind::attribute, 10, Kind::tensor},    // tensors
    Child{Kind::attribute, 11, Kind::graph},     // graphs
    Child{Kind::attribute, 22, Kind::sparse},    // sparse_tensor
    Child{Kind::attribute, 23, Kind::sparse},    // sparse_tensors
};
constexpr std::uint32_t kExternalData = 13;  // of a tensor: where it lies
constexpr std::uint32_t kDataLocation = 14;  // of a tensor: 0 here, 1 elsewhere
constexpr std::uint32_t kGraphOfModel = 7;

std::optional<Kind> child_of(Kind in, std::uint32_t field) {
  for (const Child& child : kChildren) {
    if (child.in == in && child.field == field) return child.kind;
  }
  return std::nullopt;
}

Failure malformed() { return fail(ErrorKind::corrupt_data, "these bytes are no ONNX model"); }

Result<std::uint64_t> take_varint(ByteView& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest.empty()) return malformed();
    const auto byte = std::to_integer<std::uint64_t>(rest.front());
    rest = rest.subspan(1);
    value |= (byte & 0x7FU) << shift;
    if (byte < 0x80U) return value;
  }
  return malformed();
}

struct Field {
  std::uint32_t number = 0;
  std::uint64_t value = 0;  // of a varint
  ByteView bytes;           // of a message or text
};

Result<Field> take_field(ByteView& rest) {
  const std::uint64_t key = TRY(take_varint(rest));
  if (key > std::numeric_limits<std::uint32_t>::max()) return malformed();
  Field field{.number = static_cast<std::uint32_t>(key >> 3U), .bytes = {}};
  std::uint64_t size = 0;
  switch (key & 7U) {
    case 0: field.value = TRY(take_varint(rest)); return field;
    case 1: size = 8; break;
    case 2: size = TRY(take_varint(rest)); break;
    case 5: size = 4; break;
    default: return malformed();
  }
  if (size > rest.size()) return malformed();
  field.bytes = rest.first(static_cast<std::size_t>(size));
  rest = rest.subspan(static_cast<std::size_t>(size));
  return field;
}

Result<> walk(ByteView message, Kind kind, int depth, OnnxContents& contents) {
  if (kind == Kind::sparse) {
    return fail(
        ErrorKind::unsupported,
        "the model has sparse tensors, whose whole size nothing bounds; write them densely");
  }
  if (kind == Kind::node) ++contents.nodes;
  if (kind == Kind::function) contents.functions = true;
  if (depth > kDeepest) return fail(ErrorKind::corrupt_data, "the model is nested too deeply");
  while (!message.empty()) {
    const Field field = TRY(take_field(message));
    const bool external = kind == Kind::tensor && (field.number == kExternalData ||
                                                   (field.number == kDataLocation && field.value));
    if (external) {
      return fail(ErrorKind::permission_denied,
                  "the model has tensors in further files, which are not opened for it");
    }
    if (const auto child = child_of(kind, field.number)) {
      TRY(walk(field.bytes, *child, depth + 1, contents));
    }
  }
  return {};
}

}  // namespace

Result<OnnxContents> check_onnx_bytes(ByteView bytes) {
  OnnxContents contents;
  TRY(walk(bytes, Kind::model, 0, contents));
  bool has_graph = false;
  while (!bytes.empty()) has_graph = TRY(take_field(bytes)).number == kGraphOfModel || has_graph;
  if (!has_graph) return malformed();
  return contents;
}

}  // namespace quern::tensor
