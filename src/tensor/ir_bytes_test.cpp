#include "tensor/ir_bytes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quern::tensor {
namespace {

bool passes(const std::string& text) {
  const auto checked = check_ir_bytes(as_bytes(text));
  EXPECT_TRUE(checked.ok() || checked.error().kind() == ErrorKind::corrupt_data);
  return checked.ok();
}

std::string nested(int levels) {
  std::string text = "<net>";
  for (int i = 1; i < levels; ++i) text += "<body>";
  for (int i = 1; i < levels; ++i) text += "</body>";
  return text + "</net>";
}

TEST(IrBytes, ANetPasses) {
  EXPECT_TRUE(
      passes("<?xml version=\"1.0\"?>\n<net name=\"a\" version=\"11\">\n<layers/></net>\n"));
  EXPECT_TRUE(passes("<!-- <a> --><net><a b='>' c=\"</net>\"/><![CDATA[<x>]]><!-- <y> --></net>"));
  EXPECT_TRUE(passes("<net/>"));
}

TEST(IrBytes, WhatIsNoNetDoesNot) {
  for (const char* text :
       {"", " ", "net", "<", "<net", "<net>", "</net>", "<net></net></net>", "<net/><net/>",
        "<model/>", "<net><a", "<net a=\"></net>", "<!DOCTYPE net><net/>", "<?xml", "<!-- <net/>",
        "<net><![CDATA[</net>", "<net/>text", "\x08\x07ONNX", "GGUF"}) {
    EXPECT_FALSE(passes(text)) << text;
  }
}

TEST(IrBytes, HowDeepItGoesIsBounded) {
  EXPECT_TRUE(passes(nested(100)));
  EXPECT_FALSE(passes(nested(101)));
  EXPECT_FALSE(passes(nested(1'000'000)));
}

TEST(IrBytes, LayersAreCounted) {
  const std::string text =
      "<net><layers><layer id=\"0\"/><layer><body><layers><layer/></layers></body></layer></layers>"
      "<!-- <layer/> --></net>";
  EXPECT_EQ(check_ir_bytes(as_bytes(text)).value(), 3U);
}

}  // namespace
}  // namespace quern::tensor
