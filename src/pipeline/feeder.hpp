// One input with its thread, its parser and its counts: the Sink that it gives to.
#pragma once

#include "pipeline/hub.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

namespace quern::pipeline {

// What becomes of an input that cannot even begin.
enum class CannotBegin : std::uint8_t { is_told, is_tried_again };

// Its thread is `quern-input`.
class Feeder final : public logs::Sink {
 public:
  struct Parts {
    std::string name;
    std::string type;
    std::string canonical;
    std::unique_ptr<logs::StageWorld> world;
    std::unique_ptr<logs::Input> input;
    std::shared_ptr<FilterStage> parser;  // null: none
    CannotBegin cannot_begin = CannotBegin::is_told;
  };
  // `ended` is called on its thread, once: ok when there is nothing more to come, or why it could
  // not even begin, where that is told. An input that fails later is begun again after a pause.
  using Ended = std::function<void(const std::string& name, Result<>)>;
  Feeder(Parts parts, Hub& hub, Ended ended)
      : parts_(std::move(parts)), hub_(hub), ended_(std::move(ended)) {}

  ~Feeder() override { stop(); }

  void start();
  void ask_to_stop() { stop_.request_stop(); }
  void stop();
  // What is due in its parser goes on.
  void flush(logs::Due due, const std::stop_token& stop);

  Result<> accept(logs::Batch batch, const std::stop_token& stop) override;
  Result<> sync() override;
  Result<Clock::Time> settle(Clock::Time now) override;

  const std::string& name() const { return parts_.name; }
  const std::string& type() const { return parts_.type; }
  const std::string& canonical() const { return parts_.canonical; }
  const Counters& counters() const { return counters_; }
  const FilterStage* parser() const { return parts_.parser.get(); }
  std::vector<logs::Figure> figures() const { return parts_.input->figures(); }
  std::string ailment() const;
  // There is nothing more to come.
  bool over() const { return over_; }

 private:
  void run(const std::stop_token& stop);

  Parts parts_;
  Hub& hub_;
  Ended ended_;
  Counters counters_;
  Guarded<std::string> ailment_;
  std::atomic<bool> ailing_{false};
  std::atomic<bool> over_{false};
  std::stop_source stop_;
  std::jthread thread_;
};

}  // namespace quern::pipeline
