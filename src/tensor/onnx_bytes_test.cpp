#include "tensor/onnx_bytes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quern::tensor {
namespace {

// A field of wire type 2: a message or a text.
std::string field(unsigned number, const std::string& bytes) {
  std::string out;
  const auto varint = [&](std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<char>(0x80U | (value & 0x7FU)));
    out.push_back(static_cast<char>(value));
  };
  varint(number << 3U | 2U);
  varint(bytes.size());
  return out + bytes;
}
std::string number(unsigned field_number, char value) {
  return {static_cast<char>(field_number << 3U), value};
}

ErrorKind refusal(const std::string& model) {
  const auto checked = check_onnx_bytes(as_bytes(model));
  EXPECT_FALSE(checked.ok());
  return checked.ok() ? ErrorKind::internal : checked.error().kind();
}

const std::string kElsewhere = number(14, 1);      // data_location
const std::string kNamed = field(13, "location");  // external_data

TEST(OnnxBytes, TakesAModelThatStandsAlone) {
  const std::string tensor = field(9, "raw") + number(14, 0);
  EXPECT_TRUE(check_onnx_bytes(as_bytes(number(1, 8) + field(7, field(5, tensor)))).ok());
}

TEST(OnnxBytes, RefusesFurtherFilesWhereverATensorCanBe) {
  for (const std::string& tensor : {kElsewhere, kNamed}) {
    EXPECT_EQ(refusal(field(7, field(5, tensor))), ErrorKind::permission_denied);
    // In a constant of a node, in a subgraph of one, in a function, in training.
    const std::string node = field(1, field(5, field(5, tensor)));
    EXPECT_EQ(refusal(field(7, node)), ErrorKind::permission_denied);
    EXPECT_EQ(refusal(field(7, field(1, field(5, field(6, node))))), ErrorKind::permission_denied);
    EXPECT_EQ(refusal(field(7, field(1, field(5, field(11, node))))), ErrorKind::permission_denied);
    EXPECT_EQ(refusal(field(7, field(1, field(5, field(10, tensor))))),
              ErrorKind::permission_denied);
    EXPECT_EQ(refusal(field(25, field(7, field(5, field(5, tensor)))) + field(7, "")),
              ErrorKind::permission_denied);
    EXPECT_EQ(refusal(field(25, field(11, field(5, tensor)))), ErrorKind::permission_denied);
    EXPECT_EQ(refusal(field(20, field(1, field(5, tensor)))), ErrorKind::permission_denied);
  }
}

// 83 bytes can name a tensor of gigabytes, which the library makes as it loads the model.
TEST(OnnxBytes, RefusesSparseTensors) {
  const std::string values = number(1, 1) + number(2, 1) + field(9, std::string(4, '\0'));
  const std::string indices = number(1, 1) + number(2, 7) + field(9, std::string(8, '\0'));
  const std::string whole = "\x18\x80\x80\x80\x80\x04";  // dims: 2^30
  for (const std::string& sparse : {field(1, values) + field(2, indices) + whole, std::string()}) {
    EXPECT_EQ(refusal(field(7, field(15, sparse))), ErrorKind::unsupported);
    const std::string node = field(1, field(5, field(22, sparse)));  // a constant
    EXPECT_EQ(refusal(field(7, node)), ErrorKind::unsupported);
    EXPECT_EQ(refusal(field(7, field(1, field(5, field(23, sparse))))), ErrorKind::unsupported);
    EXPECT_EQ(refusal(field(7, field(1, field(5, field(6, node))))), ErrorKind::unsupported);
    EXPECT_EQ(refusal(field(25, field(7, field(5, field(22, sparse)))) + field(7, "")),
              ErrorKind::unsupported);
  }
}

TEST(OnnxBytes, ATextThatLooksLikeATensorIsText) {
  EXPECT_TRUE(check_onnx_bytes(as_bytes(field(6, kNamed) + field(7, field(2, kNamed)))).ok());
}

TEST(OnnxBytes, RefusesWhatIsNoModel) {
  const std::string model = field(7, field(2, "name"));
  for (std::size_t size = 0; size < model.size(); ++size) {
    EXPECT_EQ(refusal(model.substr(0, size)), ErrorKind::corrupt_data) << size;
  }
  EXPECT_EQ(refusal("GGUF and so on"), ErrorKind::corrupt_data);
  EXPECT_EQ(refusal(std::string(64, '\xFF')), ErrorKind::corrupt_data);
  EXPECT_EQ(refusal(field(2, "no graph")), ErrorKind::corrupt_data);
  EXPECT_EQ(refusal(std::string("\xBF\x80\x80\x80\x80\x01\x01", 7)), ErrorKind::corrupt_data)
      << "a field number of more than 32 bits";
}

TEST(OnnxBytes, DepthIsBounded) {
  std::string graph;
  for (int level = 0; level < 2000; ++level) graph = field(1, field(5, field(6, graph)));
  EXPECT_EQ(refusal(field(7, graph)), ErrorKind::corrupt_data);
}

}  // namespace
}  // namespace quern::tensor
