#include "cli/cli.hpp"
#include "cli/command.hpp"
#include "cli/commands.hpp"
#include "cli/conversation.hpp"
#include "cli/exit_codes.hpp"
#include "cli/server.hpp"

namespace quern::cli {
namespace {

// One overload per command.
struct Dispatch {
  World& world;

  Result<int> operator()(const Serve& options) const { return serve(options, world); }
  Result<int> operator()(const Chat& options) const { return chat(options, world); }
  Result<int> operator()(const Run& options) const { return run_program(options, world); }
  Result<int> operator()(const Replay& options) const { return replay_recording(options, world); }
  Result<int> operator()(const Compile& options) const { return compile(options, world); }
  Result<int> operator()(const New& options) const { return new_project(options, world); }
  Result<int> operator()(const Pack& options) const { return pack_model(options, world); }
  Result<int> operator()(const Compose& options) const { return compose_app(options, world); }
  Result<int> operator()(const LogTemplates& options) const {
    return log_templates(options, world);
  }
  Result<int> operator()(const Pipe& options) const { return pipe(options, world); }
  Result<int> operator()(const Inspect& options) const { return inspect(options, world); }
  Result<int> operator()(const Push& options) const { return push_artifact(options, world); }
  Result<int> operator()(const PullArtifact& options) const {
    return pull_artifact(options, world);
  }
  Result<int> operator()(const Sign& options) const { return sign_artifact(options, world); }
  Result<int> operator()(const Verify& options) const { return verify_artifact(options, world); }
  Result<int> operator()(const ModelPull& options) const { return pull_model(options, world); }
  Result<int> operator()(const ModelList& options) const { return list_models(options, world); }
  Result<int> operator()(const ModelShow& options) const { return show_model(options, world); }
  Result<int> operator()(const ModelRemove& options) const { return remove_model(options, world); }
  Result<int> operator()(const Doctor& options) const { return doctor(options, world); }
  Result<int> operator()(const Page& page) const {
    world.console.out(page.text);
    return kSuccess;
  }
};

}  // namespace

int tell_end(const Result<int>& done, World& world) {
  if (!done) {
    world.console.err(failure_text(done.error()));
    return exit_code(done.error().kind());
  }
  const std::optional<Error> lost = world.console.lost_output();
  if (!lost) return *done;
  world.console.err(failure_text(*lost));
  return *done == kSuccess ? kFailure : *done;
}

int run(const std::vector<std::string>& args, World& world) {
  const Result<int> done = [&]() -> Result<int> {
    const Command command = TRY(parse(args));
    log::set_level(command.log_level);
    return std::visit(Dispatch{world}, command.what);
  }();
  return tell_end(done, world);
}

}  // namespace quern::cli
