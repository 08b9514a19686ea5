#include "catalog/test_support.hpp"

#include <zlib.h>

#include <algorithm>
#include <random>

namespace quern::catalog::test {
namespace {

std::string le(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xffU);
  return out;
}

std::string deflate_raw(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string wheel_name(std::string package) {
  std::replace(package.begin(), package.end(), '-', '_');
  return package + "-1.0-py3-none-any.whl";
}

}  // namespace

std::string make_zip(const std::vector<ZipFile>& files) {
  std::string zip;
  std::string directory;
  for (const ZipFile& file : files) {
    const std::string packed = file.deflated ? deflate_raw(file.content) : file.content;
    const auto crc =
        crc32_z(0, reinterpret_cast<const Bytef*>(file.content.data()), file.content.size());
    const std::string common = le(0, 2) + le(file.deflated ? 8 : 0, 2) + le(0, 4) + le(crc, 4) +
                               le(packed.size(), 4) + le(file.content.size(), 4) +
                               le(file.name.size(), 2);
    directory += "PK\x01\x02" + le(20, 2) + le(20, 2) + common + le(0, 2) + le(0, 2) + le(0, 2) +
                 le(0, 2) + le(0, 4) + le(zip.size(), 4) + file.name;
    zip += "PK\x03\x04" + le(20, 2) + common + le(0, 2) + file.name + packed;
  }
  const std::size_t at = zip.size();
  zip += directory;
  zip += "PK\x05\x06" + le(0, 4) + le(files.size(), 2) + le(files.size(), 2) +
         le(directory.size(), 4) + le(at, 4) + le(0, 2);
  return zip;
}

std::string make_gguf(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string text = "GGUF";
  while (text.size() < size) text += static_cast<char>(random() % 64U);
  text.resize(size);
  return text;
}

void FakeIndex::offer(FakeNetwork& network, const std::string& package, const std::string& wheel) {
  const std::string file = wheel_name(package);
  const std::string hex = digest(wheel).substr(7);
  network.set(std::string(kAddress) + "/" + package + "/",
              {.body = R"({"files":[{"filename":")" + file + R"(","hashes":{"sha256":")" + hex +
                       R"("},"size":)" + std::to_string(wheel.size()) + R"(,"url":"../../files/)" +
                       file + R"("}]})",
               .content_type = "application/vnd.pypi.simple.v1+json"});
  network.set(wheel_url(package), {.body = wheel});
}

std::string FakeIndex::wheel_url(const std::string& package) {
  return "https://index.test/files/" + wheel_name(package);
}

void FakeHub::offer(FakeNetwork& network, const std::string& file, const std::string& content,
                    const std::string& claimed_digest) {
  const std::string hex = (claimed_digest.empty() ? digest(content) : claimed_digest).substr(7);
  const std::string size = std::to_string(content.size());
  network.set(
      std::string(kAddress) + "/api/models/o/r/tree/main",
      {.body = R"([{"type":"directory","path":"d"},{"type":"file","path":"README.md","size":3},)"
               R"({"type":"file","path":")" +
               file + R"(","size":)" + size + R"(,"lfs":{"oid":")" + hex + R"(","size":)" + size +
               "}}]",
       .content_type = "application/json"});
  network.set(file_url(file), {.body = content});
}

std::string FakeHub::file_url(const std::string& file) {
  return std::string(kAddress) + "/o/r/resolve/main/" + file;
}

}  // namespace quern::catalog::test
