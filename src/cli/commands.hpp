// The smaller subcommands. Each prints and returns the exit code, or an error for run() to print.
#pragma once

#include "cli/cli.hpp"
#include "cli/command.hpp"

namespace quern::cli {

// Says what is left to say of a command's end; its exit code.
int tell_end(const Result<int>& done, World& world);

Result<int> run_program(const Run& options, World& world);
Result<int> replay_recording(const Replay& options, World& world);
Result<int> compile(const Compile& options, World& world);
Result<int> new_project(const New& options, World& world);
Result<int> pack_model(const Pack& options, World& world);
Result<int> compose_app(const Compose& options, World& world);
Result<int> inspect(const Inspect& options, World& world);
Result<int> push_artifact(const Push& options, World& world);
Result<int> pull_artifact(const PullArtifact& options, World& world);
Result<int> sign_artifact(const Sign& options, World& world);
Result<int> verify_artifact(const Verify& options, World& world);
Result<int> pull_model(const ModelPull& options, World& world);
Result<int> list_models(const ModelList& options, World& world);
Result<int> show_model(const ModelShow& options, World& world);
Result<int> remove_model(const ModelRemove& options, World& world);
Result<int> doctor(const Doctor& options, World& world);
Result<int> log_templates(const LogTemplates& options, World& world);
Result<int> pipe(const Pipe& options, World& world);
// Of a pipeline that runs.
Result<int> ask_pipeline(const Pipe& options, World& world);

}  // namespace quern::cli
