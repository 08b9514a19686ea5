// Completion scripts, made from the same description as the parser. Names of models are asked from
// `quern model ls -q` while one types.
//
// bash: https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html
// zsh:  https://zsh.sourceforge.io/Doc/Release/Completion-System.html
// fish: https://fishshell.com/docs/current/completions.html
#include "cli/app.hpp"

#include <algorithm>

namespace quern::cli {
namespace {

struct Node {
  std::string path;  // "" for the root, "model pull" for a subcommand
  const CLI::App* app;
};

void collect(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  nodes.push_back({path, &app});
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    collect(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), nodes);
  }
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() || option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string words_of(const Node& node) {
  std::string words;
  for (const CLI::App* sub : node.app->get_subcommands([](const CLI::App*) { return true; })) {
    words += sub->get_name() + " ";
  }
  for (const std::string& name : option_names(*node.app)) words += name + " ";
  return words;
}

bool takes_model(std::string_view path) {
  return path == "model show" || path == "model rm" || path == "model pull";
}

// Patterns of bash's `case` for "COMMANDS-BEFORE WORD"; those of one level.
std::string command_patterns(const std::vector<Node>& nodes, std::size_t level) {
  std::string patterns;
  for (const Node& node : nodes) {
    const auto blanks = std::count(node.path.begin(), node.path.end(), ' ');
    if (node.path.empty() || static_cast<std::size_t>(blanks) != level) continue;
    patterns += std::string(patterns.empty() ? "" : "|") + "\"" + (level == 0 ? " " : "") +
                node.path + "\"";
  }
  return patterns;
}

std::string bash(const std::vector<Node>& nodes) {
  const std::string first = command_patterns(nodes, 0);
  const std::string second = command_patterns(nodes, 1);
  std::string cases;
  for (const Node& node : nodes) {
    std::string words = words_of(node);
    if (takes_model(node.path)) words += "$(quern model ls -q 2>/dev/null)";
    cases += "    \"" + node.path + "\") words=\"" + words + "\" ;;\n";
  }
  return "# quern for bash\n"
         "_quern() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= words= w\n"
         "  case $prev in\n"
         "    -m|--model) COMPREPLY=($(compgen -W \"$(quern model ls -q 2>/dev/null)\" -- "
         "\"$cur\")); return ;;\n"
         "    --lang) COMPREPLY=($(compgen -W \"cpp go js python rust\" -- \"$cur\")); return ;;\n"
         "    --kind) COMPREPLY=($(compgen -W \"http command filter\" -- \"$cur\")); return ;;\n"
         "    completion) COMPREPLY=($(compgen -W \"bash zsh fish\" -- \"$cur\")); return ;;\n"
         "  esac\n"
         "  for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$path $w\" in\n"
         "      " +
         first +
         ")\n        path=$w ;;\n"
         "      " +
         second +
         ") path=\"$path $w\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case $path in\n" +
         cases +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n"
         "}\n"
         "complete -o filenames -F _quern quern\n";
}

std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// zsh reads bash's completion functions; that is less to go wrong than a second description.
std::string zsh(const std::vector<Node>& nodes) {
  return "#compdef quern\nautoload -U +X bashcompinit && bashcompinit\n" + bash(nodes);
}

std::string fish_condition(const std::string& path) {
  if (path.empty()) return "__fish_use_subcommand";
  const std::size_t space = path.find(' ');
  if (space == std::string::npos) return "__fish_seen_subcommand_from " + path;
  return "__fish_seen_subcommand_from " + path.substr(0, space) +
         "; and __fish_seen_subcommand_from " + path.substr(space + 1);
}

std::string fish(const std::vector<Node>& nodes) {
  std::string script = "# quern for fish\n";
  for (const Node& node : nodes) {
    const std::string line = "complete -c quern -n " + shell_quoted(fish_condition(node.path));
    for (const CLI::App* sub : node.app->get_subcommands([](const CLI::App*) { return true; })) {
      script +=
          line + " -f -a " + sub->get_name() + " -d " + shell_quoted(sub->get_description()) + "\n";
    }
    for (const CLI::Option* option : node.app->get_options()) {
      if (option->get_positional() || option->get_group().empty()) continue;
      for (const std::string& name : option->get_lnames()) {
        script += line + " -l " + name + (option->get_type_size() > 0 ? " -r" : "") + " -d " +
                  shell_quoted(option->get_description()) + "\n";
      }
    }
    if (takes_model(node.path)) script += line + " -f -a '(quern model ls -q 2>/dev/null)'\n";
  }
  script += "complete -c quern -l model -s m -x -a '(quern model ls -q 2>/dev/null)'\n";
  return script;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
  Values values;
  const std::unique_ptr<CLI::App> app = make_app(values);
  std::vector<Node> nodes;
  collect(*app, "", nodes);
  if (shell == "bash") return bash(nodes);
  if (shell == "zsh") return zsh(nodes);
  if (shell == "fish") return fish(nodes);
  return fail(ErrorKind::invalid_argument,
              "\"" + std::string(shell) + "\" is not bash, zsh or fish");
}

}  // namespace quern::cli
