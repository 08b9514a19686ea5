// Stages for the tests of this room: an input that is fed by hand, an output that keeps what it
// gets or fails as it is told.
#pragma once

#include "base/fakes.hpp"
#include "base/queue.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/record.hpp"
#include "logs/stage.hpp"
#include "pipeline/blueprint.hpp"
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace quern::pipeline {

inline Buffer record(std::string_view json) {
  Buffer out;
  EXPECT_TRUE(logs::from_json(json, out).ok()) << json;
  return out;
}

inline std::string json(ByteView object) {
  std::string out;
  EXPECT_TRUE(logs::msgpack::to_json(object, out).ok());
  return out;
}

inline logs::Batch batch_of(std::string_view tag, std::initializer_list<std::string_view> records) {
  logs::Batch batch;
  for (const std::string_view one : records) batch.add(tag, {.seconds = 1}, record(one));
  return batch;
}

// What a test and the stages of its pipeline share.
struct Stage {
  // Of the input: batches in, and how each accept ended.
  Queue<logs::Batch> feed{{.items = 10'000}};
  Guarded<std::vector<std::string>> accepted;
  std::atomic<bool> syncs = false;
  std::atomic<int> cannot_begin = 0;  // so many runs fail at once
  // Of the output.
  Guarded<std::vector<std::string>> delivered;
  std::atomic<int> failures = 0;  // deliveries that fail as unavailable before one succeeds
  std::atomic<int> healthy_for = 1'000'000;  // so many deliveries, then all fail
  std::atomic<bool> refuses = false;
  std::atomic<bool> stuck = false;  // does not come back until it is stopped
  std::atomic<int> made = 0;

  std::vector<std::string> all() const {
    return delivered.with([](const auto& list) { return list; });
  }
  // Waits until so many records were delivered.
  bool wait_for(std::size_t count) const {
    for (int i = 0; i < 2000; ++i) {
      if (all().size() >= count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
};

class FedInput final : public logs::Input {
 public:
  explicit FedInput(std::shared_ptr<Stage> stage) : stage_(std::move(stage)) {}
  Result<> run(logs::Sink& sink, std::stop_token stop) override {
    if (stage_->cannot_begin.fetch_sub(1) > 0)
      return fail(ErrorKind::already_exists, "the port is taken");
    while (true) {
      Result<logs::Batch> batch = stage_->feed.pop(Deadline::never(), stop);
      if (!batch) return {};
      Result<> taken = sink.accept(*std::move(batch), stop);
      if (taken.ok() && stage_->syncs) taken = sink.sync();
      stage_->accepted.with(
          [&](auto& all) { all.push_back(taken.ok() ? "ok" : taken.error().message()); });
    }
  }

 private:
  std::shared_ptr<Stage> stage_;
};

class KeepingOutput final : public logs::Output {
 public:
  explicit KeepingOutput(std::shared_ptr<Stage> stage) : stage_(std::move(stage)) {}
  Result<logs::Batch> deliver(const logs::Batch& batch, const std::stop_token& stop) override {
    while (stage_->stuck) {
      if (stop.stop_requested()) return fail(ErrorKind::cancelled, "stopped");
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    if (stage_->refuses) return fail(ErrorKind::invalid_argument, "no such index");
    if (stage_->healthy_for.fetch_sub(1) <= 0) return fail(ErrorKind::unavailable, "503");
    if (stage_->failures.fetch_sub(1) > 0)
      return fail(ErrorKind::unavailable, "connection refused");
    stage_->delivered.with([&](auto& all) {
      for (const logs::Entry& entry : batch) all.push_back(json(entry.record));
    });
    return logs::Batch();
  }

 private:
  std::shared_ptr<Stage> stage_;
};

// Makes every record that has "grow" larger than any buffer takes.
class GrowFilter final : public logs::Filter {
 public:
  logs::Filtered apply(logs::Batch batch, const std::stop_token&) override {
    logs::Filtered out;
    for (const logs::Entry& entry : batch) {
      if (!logs::field(entry.record, "grow")) {
        out.kept.add(entry);
      } else {
        out.kept.add(entry.tag, entry.time,
                     *logs::with_text(entry.record, "x", std::string(5'000'000, 'x')));
      }
    }
    return out;
  }
};

// Adds {"by": WORD}; drops records that have "drop", kills those that have "kill".
class MarkFilter final : public logs::Filter {
 public:
  MarkFilter(std::string word, std::string name) : word_(std::move(word)), name_(std::move(name)) {}
  logs::Filtered apply(logs::Batch batch, const std::stop_token&) override {
    logs::Filtered out;
    for (const logs::Entry& entry : batch) {
      if (logs::field(entry.record, "drop")) {
        ++out.dropped;
      } else if (logs::field(entry.record, "kill")) {
        ++out.faults;
        logs::mark_dead(out.dead, entry, name_, "it was killed");
      } else {
        out.kept.add(entry.tag, entry.time, *logs::with_text(entry.record, "by", word_));
      }
    }
    return out;
  }
  Result<std::string> answer(const logs::StageCall& call) override {
    const auto a = call.query.find("a");
    return "\"" + call.method + " " + call.what + " " + (a == call.query.end() ? "" : a->second) +
           " " + call.body + "\"";
  }

 private:
  const std::string word_;
  const std::string name_;
};

// Holds records back until it is due.
class HoldingFilter final : public logs::Filter {
 public:
  explicit HoldingFilter(Clock& clock) : clock_(clock) {}
  logs::Filtered apply(logs::Batch batch, const std::stop_token&) override {
    held_.with([&](Held& held) {
      if (!held.since) held.since = clock_.now();
      held.batch.append(std::move(batch));
    });
    return {};
  }
  logs::Filtered flush(logs::Due due) override {
    return held_.with([&](Held& held) -> logs::Filtered {
      const bool over = held.since && clock_.now() - *held.since > std::chrono::milliseconds(300);
      if (due != logs::Due::all && !over) return {};
      held.since.reset();
      return {.kept = std::exchange(held.batch, {}), .dead = {}};
    });
  }
  std::optional<Clock::Time> oldest_waiting() const override {
    return held_.with([](const Held& held) { return held.since; });
  }

 private:
  struct Held {
    logs::Batch batch;
    std::optional<Clock::Time> since;
  };
  Clock& clock_;
  Guarded<Held> held_;
};

// Stages by the names that the test gives them.
using StagesByName = std::map<std::string, std::shared_ptr<Stage>>;

inline MakersOf fake_makers(std::shared_ptr<StagesByName> stages) {
  return [stages](Settings&, const logs::StageWorld&) -> Result<logs::Makers> {
    const auto stage = [stages](const std::string& name) {
      auto& one = (*stages)[name];
      if (!one) one = std::make_shared<Stage>();
      ++one->made;
      return one;
    };
    logs::Makers makers;
    makers.inputs["fed"] =
        [=](Settings& settings,
            const logs::StageWorld& world) -> Result<std::unique_ptr<logs::Input>> {
      TRY(settings.text_or("note", ""));
      return std::make_unique<FedInput>(stage(world.name));
    };
    makers.outputs["keeping"] =
        [=](Settings& settings,
            const logs::StageWorld& world) -> Result<std::unique_ptr<logs::Output>> {
      TRY(settings.text_or("note", ""));
      return std::make_unique<KeepingOutput>(stage(world.name));
    };
    const auto holding =
        [](Settings& settings,
           const logs::StageWorld& world) -> Result<std::unique_ptr<logs::Filter>> {
      TRY(settings.text_or("parser", ""));
      TRY(settings.text_or("note", ""));
      TRY(settings.flag_or("reserve_data", false));
      return std::make_unique<HoldingFilter>(world.clock);
    };
    makers.filters["hold"] = holding;
    makers.filters["grow"] = [](Settings&,
                                const logs::StageWorld&) -> Result<std::unique_ptr<logs::Filter>> {
      return std::make_unique<GrowFilter>();
    };
    makers.filters["parse"] = holding;
    makers.filters["mark"] =
        [=](Settings& settings,
            const logs::StageWorld& world) -> Result<std::unique_ptr<logs::Filter>> {
      return std::make_unique<MarkFilter>(TRY(settings.text("word")), world.name);
    };
    return makers;
  };
}

// A folder of its own on the real disk.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "quern-pipeline-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(std::string_view text) const {
    std::ofstream(path_ / "pipe.toml") << text;
    return path_ / "pipe.toml";
  }

 private:
  std::filesystem::path path_;
};

}  // namespace quern::pipeline
