#include "base/text.hpp"
#include "cli/app.hpp"

#include <algorithm>
#include <map>

namespace quern::cli {
namespace {

constexpr std::size_t kIndent = 2;
constexpr std::size_t kTextColumn = 30;
constexpr std::size_t kPageWidth = 96;

// "  left   right", the right side wrapped and under itself; a long left side gets its own line.
std::string row(const std::string& left, std::string_view right) {
  std::string line = std::string(kIndent, ' ') + left;
  line += line.size() + 2 > kTextColumn ? "\n" + std::string(kTextColumn, ' ')
                                        : std::string(kTextColumn - line.size(), ' ');
  std::string page;
  std::size_t column = kTextColumn;
  for (const std::string_view word : split(right, ' ')) {
    if (column > kTextColumn && column + 1 + word.size() > kPageWidth) {
      page += line + "\n";
      line = std::string(kTextColumn, ' ');
      column = kTextColumn;
    } else if (column > kTextColumn) {
      line += " ";
      ++column;
    }
    line += word;
    column += word.size();
  }
  return page + line + "\n";
}

std::string usage(const CLI::App& app) {
  std::string line = "Usage: ";
  std::string path = app.get_name();
  for (const CLI::App* up = app.get_parent(); up != nullptr; up = up->get_parent()) {
    path = up->get_name() + " " + path;
  }
  line += path;
  const bool commands = !app.get_subcommands([](const CLI::App*) { return true; }).empty();
  line += " [options]";
  if (commands) line += app.get_require_subcommand_min() > 0 ? " COMMAND" : " [COMMAND]";
  // `run` reads its file and arguments itself (see add_run).
  if (app.get_prefix_command()) line += " FILE.wasm [arguments...]";
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = option->get_type_name();
    const bool many = option->get_expected_max() > 1;
    line += option->get_required() ? " " + name : " [" + name + (many ? "..." : "") + "]";
  }
  return line + "\n";
}

std::string commands(const CLI::App& app) {
  std::string page;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    page += row(sub->get_name(), sub->get_description());
  }
  return page.empty() ? "" : "\nCommands\n" + page;
}

std::string arguments(const CLI::App& app) {
  std::string page;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) page += row(option->get_type_name(), option->get_description());
  }
  return page.empty() ? "" : "\nArguments\n" + page;
}

std::string option_row(const CLI::Option& option) {
  std::string left = option.get_name(false, true);
  std::replace(left.begin(), left.end(), ',', ' ');
  if (left.starts_with("--")) left = "   " + left;
  if (option.get_type_size() > 0) left += " " + option.get_type_name();
  return row(left, option.get_description());
}

// The groups in the order in which they were first used; "Other" comes last.
std::string options(const CLI::App& app) {
  std::vector<std::string> order;
  std::map<std::string, std::string> rows;
  for (const CLI::Option* option : app.get_options()) {
    const std::string& group = option->get_group();
    if (group.empty() || option->get_positional()) continue;
    if (!rows.contains(group)) order.push_back(group);
    rows[group] += option_row(*option);
  }
  std::stable_partition(order.begin(), order.end(),
                        [](const std::string& g) { return g != "Other"; });
  std::string page;
  for (const std::string& group : order)
    page.append("\n").append(group).append("\n").append(rows[group]);
  return page;
}

}  // namespace

std::string help_page(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  std::string page = parent == nullptr ? command.get_name() : usage(command).substr(7);
  page = page.substr(0, page.find(" ["));
  page = std::string(trim(page)) + " - " + command.get_description() + "\n\n" + usage(command);
  page += commands(command) + arguments(command) + options(command);
  const std::string examples = command.get_footer();
  if (!examples.empty()) {
    page += "\nExamples\n";
    for (const std::string_view line : split(examples, '\n')) {
      page += std::string(kIndent, ' ') + std::string(line) + "\n";
    }
  }
  if (parent == nullptr) {
    page +=
        "\n`quern help COMMAND` shows more of one command, `quern help exit-codes` the exit "
        "codes.\n";
  }
  return page;
}

}  // namespace quern::cli
