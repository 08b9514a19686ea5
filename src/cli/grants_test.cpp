#include "cli/grants.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace quern::cli {
namespace {

TEST(Directory, ReadsEveryForm) {
  const auto plain = parse_directory(".");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->host, ".");
  EXPECT_EQ(plain->guest, ".");
  EXPECT_EQ(plain->access, wasm::Access::read_write);
  const auto full = parse_directory("/srv/a b::/data:ro");
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->host, "/srv/a b");
  EXPECT_EQ(full->guest, "/data");
  EXPECT_EQ(full->access, wasm::Access::read);
  EXPECT_EQ(parse_directory("x:ro")->guest, "x");
}

TEST(Directory, RefusesHalfAForm) {
  for (const char* text : {"", ":ro", "::/data", "x::", "x:::ro"}) {
    const auto directory = parse_directory(text);
    ASSERT_FALSE(directory.ok()) << text;
    EXPECT_EQ(directory.error().kind(), ErrorKind::invalid_argument) << text;
  }
}

TEST(Grants, NothingIsGrantedByDefault) {
  const auto grants = make_grants({}, Purpose::command, FakeProcess());
  ASSERT_TRUE(grants.ok());
  EXPECT_TRUE(grants->files.empty());
  EXPECT_TRUE(grants->env.empty());
  EXPECT_TRUE(grants->net.empty());
  EXPECT_TRUE(grants->listen.empty());
  EXPECT_TRUE(grants->models.empty());
  EXPECT_EQ(grants->limits.memory, 1_GiB);
}

TEST(Grants, AServicesRequestsAreLimited) {
  const auto grants = make_grants({}, Purpose::service, FakeProcess());
  ASSERT_TRUE(grants.ok());
  EXPECT_EQ(grants->limits.cpu, wasm::Limits().cpu);
  EXPECT_EQ(grants->limits.memory, wasm::Limits().memory);
}

TEST(Grants, TakesVariablesFromHereOrAsWritten) {
  FakeProcess process;
  process.environment["TOKEN"] = "secret";
  GrantOptions options;
  options.environment = {"TOKEN", "A=1", "EMPTY=", "A=2"};
  const auto grants = make_grants(options, Purpose::command, process);
  ASSERT_TRUE(grants.ok());
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(grants->env, (Pairs{{"TOKEN", "secret"}, {"EMPTY", ""}, {"A", "2"}}));
}

TEST(Grants, AVariableThatIsNotHereIsAnError) {
  GrantOptions options;
  options.environment = {"ABSENT"};
  const auto grants = make_grants(options, Purpose::command, FakeProcess());
  ASSERT_FALSE(grants.ok());
  EXPECT_EQ(grants.error().message(),
            "--env ABSENT: the variable is not set here (write ABSENT=VALUE)");
  options.environment = {"=x"};
  EXPECT_EQ(make_grants(options, Purpose::command, FakeProcess()).error().kind(),
            ErrorKind::invalid_argument);
}

TEST(Grants, StoresAndConfigurationComeAfterTheManifests) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "quern_grants";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "token.txt") << "from a file\n";
  std::ofstream(folder / "app.toml") << "[stores]\na = \"one\"\nb = \"./two.db\"\n"
                                        "[config]\nmode = \"slow\"\ntoken = { env = \"TOKEN\" }\n"
                                        "password = { file = \"token.txt\" }\n";
  FakeProcess process;
  process.environment["TOKEN"] = "secret";
  GrantOptions options;
  options.manifest = folder / "app.toml";
  options.stores = {"a=other", "c=./three.db"};
  options.config = {"mode=fast=er", "empty="};
  const auto grants = make_grants(options, Purpose::service, process);
  ASSERT_TRUE(grants.ok()) << grants.error().describe();
  std::map<std::string, std::string> places;
  for (const auto& store : grants->stores) {
    places[store.label] = store.place.name + store.place.file.string();
  }
  EXPECT_EQ(places, (std::map<std::string, std::string>{
                        {"a", "other"}, {"b", folder / "./two.db"}, {"c", "./three.db"}}));
  using Values = std::map<std::string, std::string, std::less<>>;
  EXPECT_EQ(
      grants->config,
      (Values{
          {"mode", "fast=er"}, {"empty", ""}, {"token", "secret"}, {"password", "from a file"}}));
}

TEST(Grants, ASecretThatIsNotThereIsNamedAndNoValueIsRepeated) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "quern_grants";
  std::filesystem::create_directories(folder);
  GrantOptions options;
  options.manifest = folder / "absent.toml";
  std::ofstream(options.manifest) << "[config]\ntoken = { env = \"TOKEN\" }\n";
  const auto grants = make_grants(options, Purpose::service, FakeProcess());
  ASSERT_FALSE(grants.ok());
  EXPECT_EQ(grants.error().kind(), ErrorKind::not_found);
  EXPECT_NE(grants.error().describe().find("TOKEN"), std::string::npos);
  const auto bare = make_grants({.config = {"hunter2"}}, Purpose::command, FakeProcess());
  ASSERT_FALSE(bare.ok());
  EXPECT_EQ(bare.error().describe().find("hunter2"), std::string::npos);
  for (const char* store : {"a", "=b", "a=", "a=A", "a=b c"}) {
    EXPECT_FALSE(make_grants({.stores = {store}}, Purpose::command, FakeProcess()).ok()) << store;
  }
}

TEST(Grants, AValueThatIsNotTextIsRefusedByItsNameAndNotRepeated) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "quern_grants";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "latin.txt") << "hunter2 caf\xe9\n";
  std::ofstream(folder / "file.toml") << "[config]\ntoken = { file = \"latin.txt\" }\n";
  std::ofstream(folder / "env.toml") << "[config]\ntoken = { env = \"TOKEN\" }\n";
  FakeProcess process;
  process.environment["TOKEN"] = "hunter2 \xed\xa0\x80";
  for (const GrantOptions& options : {GrantOptions{.manifest = folder / "file.toml"},
                                      GrantOptions{.manifest = folder / "env.toml"},
                                      GrantOptions{.config = {"token=hunter2 \xc0\x80"}}}) {
    const auto grants = make_grants(options, Purpose::service, process);
    ASSERT_FALSE(grants.ok());
    EXPECT_EQ(grants.error().kind(), ErrorKind::invalid_argument);
    const std::string said = grants.error().describe();
    EXPECT_NE(said.find("token"), std::string::npos) << said;
    EXPECT_EQ(said.find("hunter2"), std::string::npos) << said;
  }
  const auto name = make_grants({.config = {"caf\xe9=hunter2"}}, Purpose::command, process);
  EXPECT_EQ(name.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(make_grants({.config = {"café=crème"}}, Purpose::command, process)->config.at("café"),
            "crème");
}

TEST(Grants, LimitsComeFromTheOptions) {
  GrantOptions options;
  options.memory = 64_MiB;
  options.timeout = milliseconds(500);
  options.cpu = milliseconds(200);
  options.tokens = 100;
  options.net = {"a:443"};
  options.listen = {"127.0.0.1:9000"};
  const auto grants = make_grants(options, Purpose::command, FakeProcess());
  ASSERT_TRUE(grants.ok());
  EXPECT_EQ(grants->limits.memory, 64_MiB);
  EXPECT_EQ(grants->limits.wall, milliseconds(500));
  EXPECT_EQ(grants->limits.cpu, milliseconds(200));
  EXPECT_EQ(grants->tokens, 100U);
  EXPECT_EQ(grants->net, std::vector<std::string>{"a:443"});
  EXPECT_EQ(grants->listen, std::vector<std::string>{"127.0.0.1:9000"});
}

// An answer of 8192 tokens takes a slow model on a busy machine more than an hour.
TEST(Grants, AnAnswerOfTheChatMayTakeHours) {
  const guestapi::Grants grants = chat_grants({.allowed_origins = {"https://a.example", "*"}});
  EXPECT_GE(grants.limits.wall, std::chrono::hours(24));
  EXPECT_EQ(grants.env, (std::vector<std::pair<std::string, std::string>>{
                            {"QUERN_CORS_ORIGINS", "https://a.example,*"}}));
  EXPECT_TRUE(chat_grants({}).env.empty());
}

}  // namespace
}  // namespace quern::cli
