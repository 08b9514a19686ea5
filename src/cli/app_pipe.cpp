// `quern pipe` on the command line.
#include "cli/app_options.hpp"

namespace quern::cli {
namespace {

void add_pipe_file(CLI::App& app, Values& values) {
  app.add_option("file", values.pipe.file, "The pipeline's file")
      ->type_name("FILE.toml")
      ->required();
  add_common(app, values);
}

void add_pipe_commands(CLI::App& pipe, Values& values) {
  const auto add_command = [&](const char* name, const char* text,
                               const char* example) -> CLI::App& {
    CLI::App& app = *pipe.add_subcommand(name, text);
    add_pipe_file(app, values);
    app.footer(example);
    return app;
  };
  add_command("init", "Write a small pipeline file to begin with", "quern pipe init logs.toml");
  add_command("check", "Say whether a pipeline's file is right", "quern pipe check logs.toml");
  add_command("test", "Run the samples of a file's [[test]] through its filters",
              "quern pipe test logs.toml");
  add_command("run", "Run a pipeline, as `quern pipe FILE.toml`; SIGHUP reads the file again",
              "quern pipe run logs.toml");
  add_command("top", "Show what passes through a pipeline that runs", "quern pipe top logs.toml");
  CLI::App& tap = add_command("tap", "Show records as they leave a stage of a pipeline that runs",
                              "quern pipe tap logs.toml redact");
  tap.add_option("stage", values.pipe.stages, "An input, filter or output")
      ->type_name("STAGE")
      ->required()
      ->expected(1);
  CLI::App& replay =
      add_command("replay", "Send the dead letters of a pipeline that runs once more",
                  "quern pipe replay logs.toml\nquern pipe replay logs.toml central\n"
                  "quern pipe replay logs.toml gone --to central");
  CLI::Option* const stages =
      replay.add_option("stage", values.pipe.stages, "Only those of these stages")
          ->type_name("STAGE");
  add(replay, kOther, "--to", "OUTPUT", values.pipe.to,
      "To this output, with the buffer that a stage left which is not in the file any more")
      ->needs(stages);
  add_command("reload",
              "Read the file of a pipeline that runs again, as SIGHUP does, and say what changed",
              "quern pipe reload logs.toml");
  CLI::App& search =
      add_command("search", "Find raw lines that were kept and not shipped (type = \"insight\")",
                  "quern pipe search logs.toml timeout --since 10min");
  search.add_option("text", values.pipe.text, "Part of the line")->type_name("TEXT");
  add(search, kOther, "--template", "ID", values.pipe.pattern, "Only lines of this template");
  add(search, kOther, "--since", "TIME", values.since, "Not older, as 10m");
  add(search, kOther, "--limit", "N", values.pipe.limit, "At most so many (default 100)");
  add_command("approvals", "Show the actions that wait for a person's word",
              "quern pipe approvals logs.toml");
  for (const char* word : {"approve", "deny"}) {
    CLI::App& decide =
        add_command(word,
                    word == std::string_view("approve") ? "Let an action that waits be done"
                                                        : "Let it not be done",
                    "quern pipe approvals logs.toml\nquern pipe approve logs.toml 3");
    decide.add_option("number", values.pipe.number, "As `quern pipe approvals` shows")
        ->type_name("NUMBER")
        ->required();
  }
  add_command("ui", "Open the page of a pipeline that runs", "quern pipe ui logs.toml");
}

}  // namespace

void add_pipe(CLI::App& root, Values& values) {
  CLI::App& pipe = *root.add_subcommand("pipe", "Move logs from inputs through filters to outputs");
  pipe.require_subcommand(0, 1);
  pipe.add_option("file", values.pipe.file, "Run this pipeline")->type_name("FILE.toml");
  pipe.footer(
      "quern pipe init logs.toml\n"
      "quern pipe logs.toml\n"
      "journalctl -f -o cat | quern pipe templates --lines");
  add_common(pipe, values);
  add_pipe_commands(pipe, values);
  CLI::App& templates = *pipe.add_subcommand(
      "templates", "Say what the lines of a log have in common, most frequent first");
  templates.add_option("files", values.log_templates.files, "Logs (default: standard input)")
      ->type_name("FILE");
  add(templates, kOther, "--state", "FILE", values.log_templates.state,
      "Go on from what earlier runs learned, and keep what this one learns");
  CLI::Option* const lines =
      templates
          .add_flag("--lines", values.lines, "Each line as it comes, its template's id before it")
          ->group(kOther);
  templates.add_flag("--json", values.json, "As JSON")->group(kOther)->excludes(lines);
  templates.footer(
      "quern pipe templates /var/log/syslog\n"
      "journalctl -f -o cat | quern pipe templates --lines --state known.templates");
  add_common(templates, values);
}

}  // namespace quern::cli
