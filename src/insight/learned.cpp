#include "insight/learned.hpp"

#include <memory>
#include <utility>

namespace quern::insight {
namespace {

constexpr Bytes kLargestState = 1_GiB;

}  // namespace

Result<Learned> Learned::open(Files& files, const std::filesystem::path& folder,
                              mining::MinerOptions options) {
  TRY(files.make_directories(folder, 0700));
  auto lock = TRY(files.try_lock(folder / "lock").context("taking " + folder.string()));
  std::filesystem::path file = folder / "templates";
  const Result<Buffer> saved = files.read(file, kLargestState);
  if (!saved.ok() && saved.error().kind() != ErrorKind::not_found) return fail(saved.error());
  if (!saved.ok()) return Learned(std::move(file), std::move(lock), mining::Miner(options));
  auto miner = TRY(mining::Miner::load(as_text(*saved), options)
                       .context("reading what was learned from " + file.string() +
                                "; without this file all is learned anew"));
  return Learned(std::move(file), std::move(lock), std::move(miner));
}

mining::Seen Learned::learn(std::string_view line) {
  changed_ = true;
  const mining::Seen seen = miner_.learn(line);
  news_ = news_ || seen.is_new;
  return seen;
}

std::optional<std::string> Learned::due(Clock::Time now, std::chrono::milliseconds every) {
  if (!news_ && now < saved_ + every) return std::nullopt;
  return all(now);
}

std::optional<std::string> Learned::all(Clock::Time now) {
  if (!changed_) return std::nullopt;
  changed_ = news_ = false;
  saved_ = now;
  return miner_.save();
}

}  // namespace quern::insight
