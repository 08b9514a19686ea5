// What a person grants the model to bring about: tables [[filter.action]].
#pragma once

#include "base/result.hpp"
#include "base/settings.hpp"

#include "logs/stage.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace quern::insight {

struct ActionOptions {
  enum class Type : std::uint8_t { alert, issue, sample, silence, playbook };
  enum class Run : std::uint8_t { dry, real };
  enum class Approval : std::uint8_t { required, automatic };

  std::string name;  // how the model calls it
  Type type = Type::alert;
  Run run = Run::dry;  // dry: no more than a line in the audit
  Approval approval = Approval::required;
  std::uint32_t per_hour = 6;  // proposals; more are refused
  double confidence = 0;       // a verdict below does nothing

  std::string url;            // issue
  std::string body;           // issue: JSON; {id} {class} {severity} {template} {reason} {stage}
  std::string authorization;  // issue: of the header
  std::chrono::milliseconds lasts{600'000};  // sample, silence
  // playbook: program and arguments; {id}, {class}, {severity} and {stage} are filled in where they
  // are an argument by themselves. No text of a line is among them.
  std::vector<std::string> command;
  std::chrono::milliseconds time{10'000};  // playbook: then it is killed
};

std::string_view to_string(ActionOptions::Type type);

// At most 16.
Result<std::vector<ActionOptions>> read_actions(Settings& settings, const logs::StageWorld& world);

}  // namespace quern::insight
