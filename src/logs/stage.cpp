#include "logs/stage.hpp"

#include "base/text.hpp"

#include "logs/msgpack.hpp"
#include "logs/record.hpp"

namespace quern::logs {
namespace {

constexpr Bytes kLargestSecret{64 * 1024};
constexpr std::size_t kLongestReason = 1024;

}  // namespace

Result<std::string> Filter::answer(const StageCall& call) {
  return fail(ErrorKind::not_found, "this stage has no " + printable(call.what, 100));
}

void mark_dead(Batch& into, const Entry& entry, std::string_view stage, std::string_view reason) {
  Buffer why;
  msgpack::Writer writer(why);
  writer.map(2);
  writer.string("stage");
  writer.string(stage);
  writer.string("reason");
  writer.string(printable(reason, kLongestReason));
  const Result<Buffer> metadata = with_field(entry.metadata, "quern", why);
  into.add(entry.tag, entry.time, entry.record,
           metadata.ok() ? ByteView(*metadata) : entry.metadata);
}

Batch without_marks(const Batch& dead) {
  Batch alive;
  for (const Entry& entry : dead) {
    const Result<Buffer> metadata = without_field(entry.metadata, "quern");
    alive.add(entry.tag, entry.time, entry.record,
              metadata.ok() ? ByteView(*metadata) : entry.metadata);
  }
  return alive;
}

Result<std::string> reveal(const SecretSource& source, const StageWorld& world) {
  switch (source.kind) {
    case SecretSource::Kind::text: return source.value;
    case SecretSource::Kind::variable: {
      if (auto value = world.process.env(source.value)) return *std::move(value);
      return fail(ErrorKind::not_found, "the environment has no " + source.value);
    }
    case SecretSource::Kind::file: {
      const Buffer text = TRY(world.files.read(world.beside / source.value, kLargestSecret));
      return std::string(trim(as_text(text)));
    }
  }
  return fail(ErrorKind::internal, "a secret of no kind");
}

bool tag_matches(std::string_view pattern, std::string_view tag) {
  // The usual walk with one place to come back to: linear but for patterns of many stars.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t retry = 0;
  while (t < tag.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && pattern[p] == tag[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace quern::logs
