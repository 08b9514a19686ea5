// The command line as CLI11 sees it: subcommands, options, their groups and descriptions. Help
// pages and completions are made from the same description, so that they cannot disagree with it.
#pragma once

#include "cli/command.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace quern::cli {

// Where the parser puts what it reads. Amounts are text until parse() has checked them.
struct Values {
  Serve serve;
  Chat chat;
  Run run;
  Replay replay;
  Compile compile;
  New project;
  Pack pack;
  Compose compose;
  LogTemplates log_templates;
  Pipe pipe;
  std::string since;
  Push push;
  PullArtifact pull;
  RegistryChoice registry;
  std::string inspected;
  std::string reference;
  std::filesystem::path key;
  std::string model_name;
  bool json = false;
  bool names = false;
  bool lines = false;
  bool no_open = false;
  std::uint16_t port = 0;
  std::string memory;
  std::string record_limit;
  std::string cache_memory;
  std::vector<std::string> nn_preloads;
  std::vector<std::string> adapters;
  std::string timeout;
  std::string cpu;
  std::string graphs;
  std::string log_level = "info";
  std::string shell;
  std::vector<std::string> topics;
};

// `values` must outlive the app.
std::unique_ptr<CLI::App> make_app(Values& values);

// The page of one command; the root's own when `command` is it.
std::string help_page(const CLI::App& command);

}  // namespace quern::cli
