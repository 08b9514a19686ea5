// What a pipeline is made of: inputs, filters and outputs, as their makers and the pipeline see
// each other (docs/decisions/0022).
#pragma once

#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/network.hpp"
#include "base/process.hpp"
#include "base/result.hpp"
#include "base/settings.hpp"

#include "logs/batch.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::logs {

// One number that a stage tells about itself beyond what the pipeline counts (records, bytes,
// drops, faults): "quern_pipe_" + name in Prometheus' text, with the stage's own labels.
struct Figure {
  std::string name;  // as Prometheus writes it; counters end in _total
  double value = 0;
  std::vector<std::pair<std::string, std::string>> labels;
};

// Where an input puts its records. Of any thread.
class Sink {
 public:
  virtual ~Sink() = default;
  // Through the filters into the buffer of each branch that wants it. Blocks where a branch blocks.
  // cancelled: the pipeline ends; what an error names was not taken by every branch, and comes
  // again if the input gives it again.
  virtual Result<> accept(Batch batch, const std::stop_token& stop) = 0;
  // When it answers ok, all that this thread gave before is on the disk, wherever a branch keeps
  // its buffer there. Only then may a sender be told or an offset be kept.
  virtual Result<> sync() = 0;
  // Syncs, and does not wait for what filters hold back: all that this thread gave before the time
  // in the answer (`now` at most, of the pipeline's clock) is on the disk.
  virtual Result<Clock::Time> settle(Clock::Time now) {
    TRY(sync());
    return now;
  }
};

// Has a thread of its own (named by the pipeline) in which run() is called, and after an error
// called again some time later.
class Input {
 public:
  virtual ~Input() = default;
  // Until there is nothing more (ok), it is stopped (ok), or it cannot go on. An input that listens
  // may give to `sink` from several threads, all of which end before run() does.
  virtual Result<> run(Sink& sink, std::stop_token stop) = 0;
  virtual std::vector<Figure> figures() const { return {}; }
};

// What somebody asks a stage through the pipeline's door: "GET search?text=x".
struct StageCall {
  std::string method;
  std::string what;
  std::map<std::string, std::string> query;
  std::string body;
};

// What a filter made of a batch.
struct Filtered {
  Batch kept;                 // in order; the records may be others, more or fewer, of other tags
  Batch dead;                 // records that it could not process, marked with why (mark_dead)
  std::uint64_t dropped = 0;  // on purpose
  std::uint64_t faults = 0;   // records of which it failed, whatever became of them
};

enum class Due : std::uint8_t { by_time, all };

// Called by the threads of all inputs whose records it sees, several at a time: what cannot be
// shared it locks itself. It ends within the time that its options allow, whatever it is given.
class Filter {
 public:
  virtual ~Filter() = default;
  virtual Filtered apply(Batch batch, const std::stop_token& stop) = 0;
  // Called by the pipeline at ends and every second: what waits in here (windows, lines that belong
  // together) and is due. `kept` in it goes on to the filters behind this one.
  virtual Filtered flush(Due /*due*/) { return {}; }
  // When the oldest record that waits in here came; nothing waits: nothing. Acknowledgements of
  // what came before wait until it has gone on.
  virtual std::optional<Clock::Time> oldest_waiting() const { return std::nullopt; }
  virtual std::vector<Figure> figures() const { return {}; }
  // The answer is JSON. It may block. not_found: it has no such thing to tell.
  virtual Result<std::string> answer(const StageCall& call);
};

// Has a thread of its own in which all of this is called, but for figures(), which may be asked by
// any thread at any time.
class Output {
 public:
  virtual ~Output() = default;
  // Delivers the batch; what is in the answer the peer refused for good, marked with why. Errors of
  // kind unavailable, deadline_exceeded and resource_exhausted: the whole batch comes again later;
  // any other: the whole batch is dead (cancelled, though nobody stops it: all that come, too).
  virtual Result<Batch> deliver(const Batch& batch, const std::stop_token& stop) = 0;
  // Called before a delivered batch is forgotten, after one or several.
  virtual Result<> sync() { return {}; }
  virtual std::vector<Figure> figures() const { return {}; }
};

// The entry goes to `into`, with {"quern": {"stage": ..., "reason": ...}} in its metadata.
void mark_dead(Batch& into, const Entry& entry, std::string_view stage, std::string_view reason);

// The entries without such marks, to be tried again.
Batch without_marks(const Batch& dead);

// What a stage may use of the world. Outlives all stages.
struct StageWorld {
  Files& files;
  Clock& clock;
  Network& network;
  Process& process;
  std::filesystem::path state;   // a folder of this stage's own; it makes it when it needs it
  std::filesystem::path beside;  // the pipeline file's folder: relative paths begin here
  std::string name;              // of the stage
};

// What a secret says. not_found: no such variable or file.
Result<std::string> reveal(const SecretSource& source, const StageWorld& world);

template <class Stage>
using Maker = std::function<Result<std::unique_ptr<Stage>>(Settings&, const StageWorld&)>;

// By the word behind `type =`.
struct Makers {
  std::map<std::string, Maker<Input>, std::less<>> inputs;
  std::map<std::string, Maker<Filter>, std::less<>> filters;
  std::map<std::string, Maker<Output>, std::less<>> outputs;
};

// Does a tag match "app.*"? "*" is any bytes, also none; of several patterns one does.
bool tag_matches(std::string_view pattern, std::string_view tag);

}  // namespace quern::logs
