// A world of fakes for tests of commands: fixtures derive from it.
#pragma once

#include "base/fakes.hpp"
#include "cli/cli.hpp"

#include <gtest/gtest.h>

namespace quern::cli {

class WithWorld : public testing::Test {
 protected:
  SystemClock clock_;
  FakeFiles files_;
  FakeProcess process_;
  FakeConsole console_;
  Signals signals_;
  World world_{.clock = clock_,
               .files = files_,
               .process = process_,
               .console = console_,
               .signals = signals_,
               .chat_wasm = {},
               .chat_image = {},
               .templates = {},
               .model_wasm = {},
               .pipe_page = {}};
};

}  // namespace quern::cli
