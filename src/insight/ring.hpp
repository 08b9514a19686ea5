// Raw records that stay here: a ring of files, bounded in bytes, searchable by template, time and
// text (docs/formats/insight.md).
//
// Records lie in blocks; of each block the templates and times in it are known, so that a search
// reads those alone that may hold what it looks for. Of files of an earlier run the first search
// finds that out: a start reads none of them.
#pragma once

#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/guarded.hpp"

#include "insight/insight.hpp"
#include "logs/batch.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace quern::insight {

struct RingFigures {
  Bytes held{};
  std::uint64_t records = 0;  // taken since it was opened
  std::uint64_t freed = 0;    // files that made room
  std::uint64_t lost = 0;     // records of blocks that could not be written
  std::uint64_t damaged = 0;  // blocks that could not be read
};

// Of any thread.
class Ring {
 public:
  using Path = std::filesystem::path;
  // `limit`: of all files together, at least 1 MiB. A disk that takes nothing is told once in the
  // log.
  static Result<std::unique_ptr<Ring>> open(Files& files, const Path& folder, Bytes limit);

  // ids[i] is the template of batch[i].
  void add(const logs::Batch& batch, std::span<const mining::TemplateId> ids);
  // What waits for its block to be full is written.
  void flush();

  // `now`: the id that a template has by now.
  using Now = std::function<mining::TemplateId(mining::TemplateId)>;
  Result<std::vector<Found>> search(const Search& search, const Now& now) const;
  RingFigures figures() const;

 private:
  struct Block {
    std::uint64_t file = 0;
    std::uint64_t offset = 0;
    std::uint32_t size = 0;  // with its head
    std::uint32_t from = UINT32_MAX;
    std::uint32_t to = 0;
    std::vector<mining::TemplateId> ids;  // sorted, each once
  };
  struct File {
    std::uint64_t number = 0;
    std::uint64_t size = 0;
    std::optional<std::vector<Block>> blocks;  // absent: of an earlier run, nobody looked yet
  };
  struct State {
    logs::Batch waiting;
    std::vector<mining::TemplateId> waiting_ids;
    std::deque<File> files;              // the oldest first
    std::unique_ptr<FileWriter> writer;  // of the last
    std::uint64_t next_file = 1;
    bool failing = false;         // the last block could not be written
    std::optional<Error> untold;  // why
    RingFigures figures;
  };

  Ring(Files& files, Path folder, Bytes limit)
      : files_(files), folder_(std::move(folder)), limit_(limit) {}
  Result<> recover();
  void look_at_files() const;
  Result<std::vector<Block>> blocks_of(std::uint64_t file, std::uint64_t size) const;
  void flush(State& state);
  Result<> write_block(State& state);
  Result<> append(State& state, Block block, ByteView bytes);
  void give_up_file(State& state);
  void make_room(State& state);
  void tell();
  Result<> read_block(const Block& block, const Search& search, const Now& now,
                      std::vector<Found>& found) const;
  Path path_of(std::uint64_t file) const;
  std::uint64_t file_limit() const;

  Files& files_;
  const Path folder_;
  const Bytes limit_;
  mutable Guarded<State> state_;
};

}  // namespace quern::insight
