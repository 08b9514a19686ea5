// What is left of stages that are gone: told, and sent to an output that somebody names.
#include "base/log.hpp"
#include "base/text.hpp"

#include "pipeline/leftovers.hpp"
#include "pipeline/running_pipeline.hpp"
#include "pipeline/set_aside.hpp"

#include <utility>

namespace quern::pipeline {

bool RunningPipeline::reads_buffer(const std::string& stage) const {
  const auto branch = by_name(hub_.topology()->branches, stage);
  return branch && (branch->plan().buffering == Buffering::disk ||
                    branch->plan().when_full == WhenFull::spill);
}

// Under changing_, but at the start. Dead letters of a stage that went with a reload are let go of
// first: held open, they look as if somebody sent them just now. Those of one that is back are
// counted from the start.
void RunningPipeline::look_for_leftovers() {
  dead_.with([&](const auto& all) {
    for (const auto& [stage, letters] : all) {
      has_stage(stage) ? letters->open_if_there() : letters->close();
    }
  });
  auto found =
      find_leftovers(world_.files, state_, [this](Leftover::Kind kind, const std::string& stage) {
        return kind == Leftover::Kind::buffer ? reads_buffer(stage) : has_stage(stage);
      });
  leftovers_.with([&](auto& all) { all = std::move(found); });
}

void RunningPipeline::tell_leftovers() const {
  for (const Leftover& left : leftovers()) {
    const bool buffer = left.kind == Leftover::Kind::buffer;
    log::warn(
        "pipeline",
        "nobody reads " + describe(left) + ". " +
            (buffer ? "An output of this name with a buffer on the disk delivers them; or send "
                    : "Send ") +
            "them to another output: quern pipe replay " + plan_.file.string() + " " + left.stage +
            " --to OUTPUT");
  }
}

// Nothing when a stage reads it, or there is none.
Result<std::optional<std::filesystem::path>> RunningPipeline::set_buffer_aside(
    const std::string& stage) {
  const std::lock_guard lock(changing_);
  const std::filesystem::path folder = buffer_folder(state_, stage);
  if (reads_buffer(stage) && !world_.files.exists(aside_of(folder)))
    return std::optional<std::filesystem::path>();
  return set_aside(world_.files, folder);
}

Result<std::uint64_t> RunningPipeline::replay_to(const std::string& stage,
                                                 const std::string& output,
                                                 const std::stop_token& stop) {
  if (!by_name(hub_.topology()->branches, output))
    return fail(ErrorKind::not_found, "there is no output " + printable(output, 100));
  // Whoever is known by neither names no folder of ours.
  const bool left =
      std::ranges::any_of(leftovers(), [&](const Leftover& one) { return one.stage == stage; });
  if (!left && !has_stage(stage)) {
    return fail(ErrorKind::not_found, "there is no stage " + printable(stage, 100) +
                                          ", and nothing is left of one of that name");
  }
  const TakeBatch give = [&](const logs::Batch& batch) -> Result<> {
    TRY(hub_.pass_to(output, logs::without_marks(batch), stop));
    return hub_.sync(nullptr, stop);
  };
  const auto send_all = [&]() -> Result<std::uint64_t> {
    std::uint64_t records = TRY(dead_letters(stage).replay(give));
    while (const auto aside = TRY(set_buffer_aside(stage)))
      records += TRY(empty_aside(world_.files, *aside, give));
    return records;
  };
  Result<std::uint64_t> sent = send_all();
  const std::lock_guard lock(changing_);
  look_for_leftovers();
  return sent;
}

}  // namespace quern::pipeline
