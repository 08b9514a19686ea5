#include "insight/action_options.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace quern::insight {
namespace {

using Type = ActionOptions::Type;

constexpr std::array<std::string_view, 5> kTypes{"alert", "issue", "sample", "silence", "playbook"};
constexpr std::size_t kMost = 16;
constexpr std::string_view kBody =
    R"({"title": "{class}: {template}", "body": "{reason}\n\ntemplate {id} of {stage}, severity {severity}"})";

Result<> read_of_type(Settings& settings, const logs::StageWorld& world, ActionOptions& action) {
  switch (action.type) {
    case Type::alert: return {};
    case Type::issue:
      action.url = TRY(settings.text("url"));
      if (!action.url.starts_with("https://") && !action.url.starts_with("http://")) {
        return settings.wrong("url", "must begin with https:// or http://");
      }
      action.body = TRY(settings.text_or("body", kBody));
      if (const auto secret = TRY(settings.secret("authorization"))) {
        action.authorization = TRY(logs::reveal(*secret, world));
      }
      return {};
    case Type::sample:
    case Type::silence: action.lasts = TRY(settings.duration_or("lasts", action.lasts)); return {};
    case Type::playbook:
      action.command = TRY(settings.texts("command"));
      if (action.command.empty()) return settings.wrong("command", "is missing");
      if (!std::filesystem::path(action.command[0]).is_absolute()) {
        return settings.wrong("command", "must begin with the whole path of a program");
      }
      action.time = TRY(settings.duration_or("time", action.time));
      return {};
  }
  return {};
}

Result<ActionOptions> read_action(Settings& settings, const logs::StageWorld& world) {
  ActionOptions action;
  const std::string type = TRY(settings.text("type").context("an action"));
  const auto* const found = std::find(kTypes.begin(), kTypes.end(), type);
  if (found == kTypes.end()) {
    return settings.wrong("type", "must be alert, issue, sample, silence or playbook");
  }
  action.type = static_cast<Type>(found - kTypes.begin());
  action.name = TRY(settings.text_or("name", type));
  if (action.name.empty() || action.name.size() > 64 || action.name == "none") {
    return settings.wrong("name", "must have 1 to 64 bytes and not be \"none\"");
  }
  if (!TRY(settings.flag_or("dry_run", true))) action.run = ActionOptions::Run::real;
  if (TRY(settings.one_of("approval", {"required", "auto"})) == "auto") {
    action.approval = ActionOptions::Approval::automatic;
  }
  action.per_hour = static_cast<std::uint32_t>(
      TRY(settings.number_or("per_hour", action.per_hour, {.least = 1, .most = 10'000})));
  action.confidence = TRY(settings.decimal_or("confidence", 0, 0, 1));
  TRY(read_of_type(settings, world, action));
  TRY(settings.finish());
  return action;
}

}  // namespace

std::string_view to_string(Type type) { return kTypes[static_cast<std::size_t>(type)]; }

Result<std::vector<ActionOptions>> read_actions(Settings& settings, const logs::StageWorld& world) {
  std::vector<ActionOptions> actions;
  for (Settings& table : TRY(settings.tables("action"))) {
    table.call("[[filter.action]] of " + world.name);
    ActionOptions action = TRY(read_action(table, world));
    const auto same = [&](const ActionOptions& other) { return other.name == action.name; };
    if (std::any_of(actions.begin(), actions.end(), same)) {
      return table.wrong("name", "is that of another action");
    }
    if (actions.size() == kMost) return table.wrong("type", "is the 17th action; 16 are the most");
    actions.push_back(std::move(action));
  }
  return actions;
}

}  // namespace quern::insight
