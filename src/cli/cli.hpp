// cli: the one binary. Subcommands and wiring, nothing else.
//
// For:     turning arguments into a command, making the parts in the order of ARCHITECTURE.md and
//          handing them to each other; what a person sees in the terminal.
// Refuses: knowledge that another room has; a subcommand is a few calls of theirs.
// Owns:    everything that lives as long as the program. No part of it is global.
// Threads: main, and one that reads signals (signals.hpp). Loading has threads of its own.
// Errors:  every failure is printed as "quern: what failed: why" with a line "try: what to do",
//          and ends in an exit code of the one table in exit_codes.hpp.
//
//     int main(int argc, char** argv) { ... return quern::cli::run(args, world); }
#pragma once

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "cli/console.hpp"
#include "cli/signals.hpp"

#include <string>
#include <vector>

namespace quern::cli {

// The page of `quern pipe ui`. Empty in a build without pages.
struct PipePage {
  ByteView html;
  ByteView script;
  ByteView style;
  ByteView icon;
};

// The outside world, borrowed for the whole run.
struct World {
  Clock& clock;
  Files& files;
  Process& process;
  Console& console;
  Signals& signals;
  // The chat server: portable bytes, and machine code made from them by this build, each as gzip.
  // Empty in a build without guests.
  ByteView chat_wasm;
  ByteView chat_image;
  // The projects of `quern new` (templates.hpp), as gzip. Empty in such a build, too.
  ByteView templates;
  // guests/model, which `quern pack` fills in; as gzip.
  ByteView model_wasm;
  PipePage pipe_page;
};

// Runs one command line (without the program's name) and returns the exit code.
int run(const std::vector<std::string>& args, World& world);

}  // namespace quern::cli
