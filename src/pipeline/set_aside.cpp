#include "pipeline/set_aside.hpp"

#include "logs/segments.hpp"

#include <string>
#include <utility>

namespace quern::pipeline {

namespace fs = std::filesystem;

fs::path aside_of(const fs::path& folder) { return folder.string() + std::string(kAside); }

Result<std::optional<fs::path>> set_aside(Files& files, const fs::path& folder) {
  const fs::path aside = aside_of(folder);
  if (files.exists(aside)) return std::optional(aside);
  if (!files.exists(folder)) return std::optional<fs::path>();
  TRY(files.rename(folder, aside));
  return std::optional(aside);
}

Result<std::uint64_t> empty_aside(Files& files, const fs::path& aside, const TakeBatch& take) {
  auto segments = TRY(logs::Segments::open(files, aside));
  std::uint64_t records = 0;
  while (const std::optional<Buffer> frame = TRY(segments->next())) {
    logs::Batch batch = TRY(logs::Batch::parse(*frame));
    const std::size_t size = batch.size();
    TRY(take(std::move(batch)));
    TRY(segments->commit());
    records += size;
  }
  segments.reset();
  for (const std::string& name : TRY(files.list(aside))) TRY(files.remove(aside / name));
  TRY(files.remove(aside));
  return records;
}

}  // namespace quern::pipeline
