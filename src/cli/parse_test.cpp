#include "cli/command.hpp"
#include "cli/exit_codes.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace quern::cli {
namespace {

template <class What>
What parsed(const std::vector<std::string>& args) {
  Result<Command> command = parse(args);
  if (!command) {
    ADD_FAILURE() << command.error().describe();
    return {};
  }
  if (!std::holds_alternative<What>(command->what)) {
    ADD_FAILURE() << "another command: " << command->what.index();
    return {};
  }
  return std::get<What>(command->what);
}

std::string refused(const std::vector<std::string>& args) {
  const Result<Command> command = parse(args);
  if (command.ok()) return "accepted";
  EXPECT_EQ(command.error().kind(), ErrorKind::invalid_argument);
  return failure_text(command.error());
}

TEST(Parse, NothingMeansServeTheChat) {
  const Serve serve = parsed<Serve>({});
  EXPECT_TRUE(serve.file.empty());
  EXPECT_EQ(serve.server.host, "127.0.0.1");
  EXPECT_FALSE(serve.server.port.has_value());
  EXPECT_EQ(serve.server.open, OpenPage::when_possible);
}

TEST(Parse, ReadsServerOptions) {
  const Serve serve =
      parsed<Serve>({"--model", "gemma", "-m", "smollm2", "--port=9000", "--no-open", "--ctx-size",
                     "4096", "--cache-tokens", "0", "--cache-memory", "256MiB"});
  EXPECT_EQ(serve.model.models, (std::vector<std::string>{"gemma", "smollm2"}));
  EXPECT_EQ(serve.server.port, 9000);
  EXPECT_EQ(serve.server.open, OpenPage::never);
  EXPECT_EQ(serve.model.context_tokens, 4096U);
  EXPECT_EQ(serve.model.cache_tokens, 0U);
  EXPECT_EQ(serve.model.cache_memory, 256_MiB);
  EXPECT_EQ(parsed<Chat>({"chat", "--cache-memory", "0", "hi"}).model.cache_memory, 0_MiB);
  EXPECT_EQ(parsed<cli::Run>({"run", "--cache-memory", "1GiB", "a.wasm"}).model.cache_memory,
            1_GiB);
}

TEST(Parse, PipelinesByTheirFile) {
  EXPECT_EQ(parsed<Pipe>({"pipe", "logs.toml"}).action, Pipe::Action::run);
  EXPECT_EQ(parsed<Pipe>({"pipe", "run", "logs.toml"}).file, "logs.toml");
  EXPECT_EQ(parsed<Pipe>({"pipe", "check", "logs.toml"}).action, Pipe::Action::check);
  const Pipe tap = parsed<Pipe>({"pipe", "tap", "logs.toml", "redact"});
  EXPECT_EQ(tap.action, Pipe::Action::tap);
  EXPECT_EQ(tap.stages, std::vector<std::string>{"redact"});
  EXPECT_EQ(parsed<Pipe>({"pipe", "replay", "logs.toml"}).stages.size(), 0U);
  const Pipe gone = parsed<Pipe>({"pipe", "replay", "logs.toml", "gone", "--to", "central"});
  EXPECT_EQ(gone.stages, std::vector<std::string>{"gone"});
  EXPECT_EQ(gone.to, "central");
  EXPECT_NE(refused({"pipe", "replay", "logs.toml", "--to", "central"}), "");
  EXPECT_EQ(refused({"pipe"}),
            "quern: which pipeline? FILE.toml is missing\n  try: quern pipe --help\n");
}

TEST(Parse, ModelsDoNotSwallowWhatFollows) {
  const Chat chat = parsed<Chat>({"chat", "--model", "gemma", "why", "is", "it"});
  EXPECT_EQ(chat.model.models, std::vector<std::string>{"gemma"});
  EXPECT_EQ(chat.prompt, (std::vector<std::string>{"why", "is", "it"}));
}

TEST(Parse, AllThatFollowsTheFileBelongsToTheProgram) {
  const auto run = parsed<cli::Run>({"run", "--dir", ".::/data:ro", "--memory", "64MiB",
                                     "--timeout", "5s", "a.wasm", "--dir", "x", "-h", "--", "y"});
  EXPECT_EQ(run.file, "a.wasm");
  EXPECT_EQ(run.arguments, (std::vector<std::string>{"--dir", "x", "-h", "--", "y"}));
  EXPECT_EQ(run.grants.directories, std::vector<std::string>{".::/data:ro"});
  EXPECT_EQ(run.grants.memory, 64_MiB);
  EXPECT_EQ(run.grants.timeout, std::chrono::seconds(5));
}

TEST(Parse, SubcommandsWithinSubcommands) {
  EXPECT_EQ(parsed<ModelPull>({"model", "pull", "gemma"}).name, "gemma");
  EXPECT_EQ(parsed<ModelList>({"model", "ls", "--json"}).form, Form::json);
  EXPECT_EQ(parsed<ModelList>({"model", "ls", "-q"}).form, Form::names);
  EXPECT_EQ(parsed<Compile>({"compile", "a.wasm", "-o", "a.cwasm"}).output, "a.cwasm");
  const auto pack =
      parsed<Pack>({"pack", "gemma", "-s", "who.txt", "--name", "a/b", "-o", "m.wasm"});
  EXPECT_EQ(pack.model, "gemma");
  EXPECT_EQ(pack.system, "who.txt");
  EXPECT_EQ(pack.name, "a/b");
  EXPECT_EQ(pack.output, "m.wasm");
  EXPECT_EQ(parsed<Compose>({"compose", "a.wasm", "--with", "m.wasm", "-o", "w"}).model, "m.wasm");
  EXPECT_EQ(parsed<Inspect>({"inspect", "a.wasm", "--json"}).form, Form::json);
  const auto push = parsed<Push>({"push", "a.wasm", "h.test/a:1", "--plain-http"});
  EXPECT_EQ(push.reference, "h.test/a:1");
  EXPECT_TRUE(push.registry.plain_http);
  EXPECT_FALSE(push.without_weights);
  EXPECT_EQ(parsed<PullArtifact>({"pull", "h.test/a:1", "-o", "b.wasm"}).output, "b.wasm");
  EXPECT_EQ(parsed<Sign>({"sign", "--key", "k.pem", "h.test/a:1"}).key, "k.pem");
  EXPECT_EQ(parsed<Verify>({"verify", "--key", "k.pub", "h.test/a:1"}).reference, "h.test/a:1");
}

TEST(Parse, WhatIsLeftOutIsCalledAsOnTheHelpPage) {
  const auto says = [](const std::vector<std::string>& args, const char* what) {
    EXPECT_NE(refused(args).find(what), std::string::npos) << refused(args);
  };
  says({"inspect"}, "FILE.wasm|REF is required");
  says({"push"}, "FILE.wasm is required");
  says({"push", "a.wasm"}, "REF is required");
  says({"pull"}, "REF is required");
  says({"verify", "h.test/a"}, "--key is required");
  says({"completion"}, "SHELL is required");
  says({"new", "--lang", "go", "--kind", "http"}, "NAME is required");
}

TEST(Parse, ANewProject) {
  const New project = parsed<New>({"new", "--lang", "rust", "--kind", "http", "verdict"});
  EXPECT_EQ(project.language, "rust");
  EXPECT_EQ(project.kind, "http");
  EXPECT_EQ(project.name, "verdict");
  EXPECT_NE(refused({"new", "--kind", "http", "verdict"}).find("--lang is required"),
            std::string::npos);
  EXPECT_NE(refused({"new", "--lang", "cobol", "--kind", "http", "x"}).find("cobol not in"),
            std::string::npos);
  EXPECT_NE(refused({"new", "--lang", "go", "--kind", "x", "x"}).find("x not in"),
            std::string::npos);
}

TEST(Parse, SaysWhatWasMeant) {
  EXPECT_EQ(refused({"--modle", "x"}),
            "quern: unknown option \"--modle\"; did you mean \"--model\"?\n"
            "  try: quern --model\n");
  EXPECT_EQ(refused({"caht"}),
            "quern: unknown command \"caht\"; did you mean \"chat\"?\n  try: quern chat\n");
  EXPECT_EQ(refused({"run", "--dirr", "x", "a.wasm"}),
            "quern: unknown option \"--dirr\"; did you mean \"--dir\"?\n  try: quern run --dir\n");
  EXPECT_EQ(refused({"model", "pul", "x"}),
            "quern: unknown command \"pul\"; did you mean \"pull\"?\n  try: quern model pull\n");
  EXPECT_EQ(refused({"model"}),
            "quern: which command? One of pull, ls, show, rm\n  try: quern model --help\n");
  EXPECT_EQ(refused({"xyzzy"}), "quern: unknown command \"xyzzy\"\n  try: quern --help\n");
}

TEST(Parse, RefusesWhatMakesNoSense) {
  EXPECT_EQ(refused({"--port", "70000"}),
            "quern: --port: \"70000\" is not a whole number from 0 to 65535\n"
            "  try: quern --help\n");
  EXPECT_NE(refused({"--port", "abc"}).find("\"abc\" is not a whole number from 0 to 65535"),
            std::string::npos);
  for (const char* size : {"-5", "99999999999", "1.5", "4k"}) {
    EXPECT_NE(refused({"--ctx-size", size})
                  .find("--ctx-size: \"" + std::string(size) +
                        "\" is not a whole number from 0 to 4294967295"),
              std::string::npos);
  }
  EXPECT_NE(refused({"--tls-cert", "a.pem"}).find("need each other"), std::string::npos);
  EXPECT_NE(refused({"run"}).find("FILE.wasm is missing"), std::string::npos);
  EXPECT_NE(refused({"run", "--memory", "much", "a.wasm"}).find("--memory: \"much\" is not a size"),
            std::string::npos);
  EXPECT_NE(refused({"chat", "--temperature", "3"})
                .find("--temperature: \"3\" is not a number from 0 to 2"),
            std::string::npos);
  EXPECT_NE(refused({"model"}).find("quern model --help"), std::string::npos);
  EXPECT_NE(refused({"--log-level", "loud"}).find("not a log level"), std::string::npos);
  EXPECT_NE(refused({"completion", "csh"}).find("csh"), std::string::npos);
}

TEST(Parse, HelpAndVersionAreReachedEveryWay) {
  const std::string chat = parsed<Page>({"chat", "--help"}).text;
  EXPECT_EQ(parsed<Page>({"help", "chat"}).text, chat);
  EXPECT_EQ(parsed<Page>({"run", "--help"}).text, parsed<Page>({"help", "run"}).text);
  EXPECT_EQ(parsed<Page>({"-h"}).text, parsed<Page>({"help"}).text);
  EXPECT_EQ(parsed<Page>({"--version"}).text, parsed<Page>({"version"}).text);
  EXPECT_NE(parsed<Page>({"help", "model", "pull"}).text.find("hub:OWNER"), std::string::npos);
}

TEST(ExitCodes, EveryKindHasTheDocumentedCode) {
  EXPECT_EQ(exit_code(ErrorKind::invalid_argument), 2);
  EXPECT_EQ(exit_code(ErrorKind::not_found), 3);
  EXPECT_EQ(exit_code(ErrorKind::permission_denied), 4);
  EXPECT_EQ(exit_code(ErrorKind::unavailable), 5);
  EXPECT_EQ(exit_code(ErrorKind::deadline_exceeded), 124);
  EXPECT_EQ(exit_code(ErrorKind::cancelled), 130);
  EXPECT_EQ(exit_code(ErrorKind::guest_trap), 134);
  const std::string page = exit_codes_page();
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); ++kind) {
    const std::string code = std::to_string(exit_code(static_cast<ErrorKind>(kind)));
    EXPECT_NE(page.find(" " + code + "  "), std::string::npos) << code;
  }
}

// Golden pages; QUERN_RENEW_GOLDEN=1 writes them anew, for review in the diff.
void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = std::filesystem::path(QUERN_GOLDEN) / name;
  if (std::getenv("QUERN_RENEW_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  std::stringstream kept;
  kept << file.rdbuf();
  EXPECT_EQ(text, kept.str()) << "renew with QUERN_RENEW_GOLDEN=1";
}

TEST(Golden, HelpPages) {
  expect_golden("help.txt", parsed<Page>({"help"}).text);
  for (const char* name :
       {"chat", "run", "replay", "serve", "compile", "new", "model", "pack", "compose", "inspect",
        "push", "pull", "sign", "verify", "pipe", "doctor", "completion"}) {
    expect_golden(std::string("help-") + name + ".txt", parsed<Page>({"help", name}).text);
  }
  expect_golden("help-exit-codes.txt", parsed<Page>({"help", "exit-codes"}).text);
}

TEST(Golden, Completions) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    expect_golden(std::string("completion.") + shell, parsed<Page>({"completion", shell}).text);
  }
}

}  // namespace
}  // namespace quern::cli
