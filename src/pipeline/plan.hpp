// What a pipeline file says, checked (docs/formats/pipeline.md).
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/settings.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::pipeline {

struct StagePlan {
  std::string name;                // unique among all stages of the file
  std::string type;                // which maker
  std::vector<std::string> match;  // of filters and outputs: patterns of tags
  Settings settings;               // what is left is for the maker
  std::string canonical;           // the same: nothing changed
};

// Does one of a stage's patterns match?
bool wants(const std::vector<std::string>& match, std::string_view tag);

struct InputPlan {
  StagePlan stage;
  std::string parser;  // "": none
};

enum class Buffering : std::uint8_t { disk, memory };
enum class WhenFull : std::uint8_t {
  block,  // whoever gives waits
  drop,   // what comes is dropped, and counted
  spill,  // of memory: goes on on the disk
};

struct OutputPlan {
  StagePlan stage;
  Buffering buffering = Buffering::disk;
  WhenFull when_full = WhenFull::block;
  Bytes limit = 1_GiB;        // of the buffer; in memory 64 MiB where nothing is said
  Bytes spill_limit = 1_GiB;  // of the disk behind a memory buffer
  std::chrono::milliseconds first_pause{1000};
  std::chrono::milliseconds longest_pause{60'000};
  std::uint64_t attempts = 0;  // then it is dead; 0: for ever
};

// A [[test]]: what goes in at the top, and what must come out behind all filters.
struct SampleTest {
  std::string name;
  std::string tag;
  std::vector<std::string> records;                // each a record as JSON
  std::vector<std::string> expect;                 // likewise, in order
  std::optional<std::vector<std::string>> routes;  // the outputs that get them
  std::string input;                               // whose parser is applied; "": none
};

struct Plan {
  std::filesystem::path file;
  std::filesystem::path state;            // folder of buffers, dead letters, and what stages keep
  std::string listen;                     // "HOST:PORT" of metrics and control; "": none
  std::chrono::milliseconds grace{5000};  // for what is on its way when it stops
  Bytes dead_letters = 64_MiB;            // kept of each stage; the oldest go first
  std::vector<InputPlan> inputs;
  std::vector<StagePlan> filters;
  std::vector<OutputPlan> outputs;
  std::vector<SampleTest> tests;
  // Of the tables that the pipeline itself does not know (parsers, models): whoever makes the
  // stages read them.
  std::string around;
};

inline constexpr std::size_t kMostStages = 256;  // of each kind

// `settings` is the whole file. What it does not know is left to the makers and to finish().
Result<Plan> read_plan(Settings& settings, const std::filesystem::path& file);

}  // namespace quern::pipeline
