// pipeline: log records from inputs through filters to outputs, as one file says.
//
// For:     reading and checking the file, running its stages, buffers and retries between them,
// dead
//          letters, change by difference, counts, looking at what passes.
// Refuses: what a stage does: it knows logs/stage.hpp and no maker by name (cli hands them over).
// Owns:    a Pipeline owns its stages, their threads, and the state folder for as long as it runs.
// Threads: `quern-input` an input, `quern-output` an output, `quern-pipe` for what is due by time.
// All
//          methods may be called from any thread.
// Errors:  invalid_argument (the file: with line and key), unavailable (another pipeline has the
// state
//          folder), what stages and the disk say.
//
//     auto pipeline = TRY(Pipeline::start("pipe.toml", makers_of, world));
//     const Result<> end = pipeline->wait(stop);       // its inputs are at their end, or it is
//     stopped pipeline->stop();
#pragma once

#include "base/guarded.hpp"

#include "pipeline/blueprint.hpp"
#include "pipeline/taps.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace quern::pipeline {

// One stage as it stands now.
struct StageState {
  enum class Kind : std::uint8_t { input, filter, output };
  Kind kind = Kind::input;
  std::string name;
  std::string type;
  std::uint64_t records_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t dropped = 0;
  std::uint64_t faults = 0;
  std::uint64_t dead = 0;       // since it started
  Bytes held{};                 // in an output's buffer
  Bytes torn{};                 // of it, taken by a crash or a damaged disk
  Bytes dead_held{};            // dead letters on the disk
  std::uint64_t dead_lost = 0;  // dead letters pushed out by newer ones
  std::string ailment;          // why it does not work just now; "": it does
  std::vector<logs::Figure> figures;
};

// What lies in the state folder and no stage reads.
struct Leftover {
  enum class Kind : std::uint8_t { buffer, dead_letters };
  Kind kind = Kind::buffer;
  std::string stage;  // that had it
  std::filesystem::path folder;
  std::uint64_t records = 0;
  Bytes bytes{};
};

// What a reload did; names of stages.
struct Difference {
  std::vector<std::string> added;
  std::vector<std::string> changed;
  std::vector<std::string> removed;
};

class Pipeline {
 public:
  static Result<std::unique_ptr<Pipeline>> start(const std::filesystem::path& file,
                                                 MakersOf makers_of, const World& world);
  virtual ~Pipeline() = default;

  // Reads the file again and changes what it says otherwise; stages that are the same go on with
  // all they know. On an error nothing has changed (but where its end says so).
  virtual Result<Difference> reload() = 0;
  // Until every input is at its end and all is delivered, an input could not begin (its error), or
  // it is stopped (cancelled).
  virtual Result<> wait(const std::stop_token& stop) = 0;
  // Inputs first; then what is on its way may arrive within the file's grace. Once.
  virtual void stop() = 0;

  virtual std::vector<StageState> stages() const = 0;
  virtual std::uint64_t unrouted() const = 0;
  // Records as they leave this stage. not_found: there is no such stage.
  virtual Result<std::shared_ptr<Tap>> tap(const std::string& stage) = 0;
  // Sends a stage's dead letters through it again; how many there were. not_found: no such stage.
  virtual Result<std::uint64_t> replay(const std::string& stage, const std::stop_token& stop) = 0;
  // Sends a stage's dead letters, and the buffer that it left behind, to this output, whatever that
  // matches; how many records there were. The stage need not be there any more. not_found: no such
  // output, or nothing of such a stage.
  virtual Result<std::uint64_t> replay_to(const std::string& stage, const std::string& output,
                                          const std::stop_token& stop) = 0;
  // As of the last start, reload or replay.
  virtual std::vector<Leftover> leftovers() const = 0;
  // What a filter answers (logs::Filter::answer). not_found: no such filter.
  virtual Result<std::string> ask(const std::string& stage, const logs::StageCall& call) = 0;
  virtual Plan plan() const = 0;
};

// Reads the file and makes every stage, and runs nothing.
Result<> check(const std::filesystem::path& file, const MakersOf& makers_of, const World& world);

// How one [[test]] ended.
struct Tested {
  std::string name;
  std::string difference;  // "": as expected
};
// Runs the samples of the file through its parsers and filters. `scratch`: a folder for what stages
// keep, which the caller removes.
Result<std::vector<Tested>> run_samples(const std::filesystem::path& file,
                                        const MakersOf& makers_of, const World& world,
                                        const std::filesystem::path& scratch);

}  // namespace quern::pipeline
