// The smaller subcommands. Each prints and returns the exit code, or an error for run() to print.
#pragma once

#include "cli/cli.hpp"
#include "cli/command.hpp"

namespace quern::cli {

Result<int> run_program(const Run& options, World& world);
Result<int> compile(const Compile& options, World& world);
Result<int> new_project(const New& options, World& world);
Result<int> pull_model(const ModelPull& options, World& world);
Result<int> list_models(const ModelList& options, World& world);
Result<int> show_model(const ModelShow& options, World& world);
Result<int> remove_model(const ModelRemove& options, World& world);
Result<int> doctor(const Doctor& options, World& world);

}  // namespace quern::cli
