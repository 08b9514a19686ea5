#include "guestapi/guestapi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace quern::guestapi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using namespace std::chrono_literals;

std::string error_of(std::string_view toml) {
  const auto grants = parse_grants(toml, "app.toml");
  if (grants.ok()) return "no error";
  EXPECT_EQ(grants.error().kind(), ErrorKind::invalid_argument);
  return grants.error().describe();
}

TEST(Manifest, NothingIsGrantedByDefault) {
  const Grants grants = parse_grants("", "app.toml").value();
  EXPECT_TRUE(grants.files.empty() && grants.env.empty() && grants.net.empty());
  EXPECT_TRUE(grants.listen.empty() && grants.models.empty());
  EXPECT_TRUE(grants.stores.empty() && grants.config.empty() && grants.secrets.empty());
  EXPECT_EQ(grants.tokens, 0U);
  EXPECT_EQ(grants.limits.memory, wasm::Limits().memory);
}

TEST(Manifest, EveryKey) {
  const Grants grants = parse_grants(R"(
models = ["gemma", "smollm2"]
tokens = 5000
net = ["api.example.com:443", "10.0.0.0/8:5432"]
listen = ["127.0.0.1:9000"]

[[files]]
host = "data"
guest = "/data"

[[files]]
host = "/var/log"
guest = "/log"
access = "read_write"

[env]
LANG = "C"
"MODE.x" = "fast"

[stores]
default = "shop"
archive = "./old/archive.db"

[config]
greeting = "hello"
token = { env = "API_TOKEN" }
password = { file = "password.txt" }

[limits]
memory = "64MiB"
store = "2GiB"
output = "1 MiB"
wall = "30s"
cpu = "1500ms"
table_elements = 1000
handles = 64
)",
                                     "app.toml")
                            .value();
  EXPECT_THAT(grants.models, ElementsAre("gemma", "smollm2"));
  EXPECT_THAT(grants.net, ElementsAre("api.example.com:443", "10.0.0.0/8:5432"));
  EXPECT_THAT(grants.env, ElementsAre(Pair("LANG", "C"), Pair("MODE.x", "fast")));
  ASSERT_EQ(grants.stores.size(), 2U);  // in the order of their labels
  EXPECT_EQ(grants.stores[0].label, "archive");
  EXPECT_EQ(grants.stores[0].place.file, "./old/archive.db");
  EXPECT_EQ(grants.stores[1].label, "default");
  EXPECT_EQ(grants.stores[1].place.name, "shop");
  EXPECT_EQ(grants.store_limit, 2_GiB);
  EXPECT_THAT(grants.config, ElementsAre(Pair("greeting", "hello")));
  ASSERT_EQ(grants.secrets.size(), 2U);
  EXPECT_EQ(grants.secrets[0].file, "password.txt");
  EXPECT_EQ(grants.secrets[1].variable, "API_TOKEN");
  EXPECT_EQ(grants.tokens, 5000U);
  ASSERT_EQ(grants.files.size(), 2U);
  EXPECT_EQ(grants.files[0].access, wasm::Access::read);
  EXPECT_EQ(grants.files[1].access, wasm::Access::read_write);
  EXPECT_EQ(grants.files[1].guest, "/log");
  EXPECT_EQ(grants.limits.memory, 64_MiB);
  EXPECT_EQ(grants.limits.output, 1_MiB);
  EXPECT_EQ(grants.limits.wall, 30s);
  EXPECT_EQ(grants.limits.cpu, 1500ms);
  EXPECT_EQ(grants.limits.handles, 64U);
  EXPECT_EQ(grants.limits.table_elements, 1000U);
}

TEST(Manifest, UnknownKeysAreNamedWithTheirLine) {
  const std::string top = error_of("net = []\nmodells = [\"x\"]\n");
  EXPECT_THAT(top, HasSubstr("app.toml:2: unknown key \"modells\""));
  EXPECT_THAT(top, HasSubstr("did you mean \"models\"?"));
  EXPECT_THAT(top, HasSubstr("allowed: config, env"));
  EXPECT_THAT(error_of("[limits]\n\nmem = \"1MiB\"\n"),
              HasSubstr("app.toml:3: unknown key \"mem\" in [limits]"));
  EXPECT_THAT(error_of("[[files]]\nhost = \"a\"\nguest = \"/a\"\nmode = \"rw\"\n"),
              HasSubstr("app.toml:4: unknown key \"mode\" in [[files]]"));
}

struct BadCase {
  const char* toml;
  const char* says;
};

TEST(Manifest, WrongValuesAreNamedWithKeyAndWhatIsAllowed) {
  const BadCase cases[] = {
      {"models = 3", "app.toml:1: models: must be a list"},
      {"models = [1]", "models: must be a string"},
      {"models = [\"\"]", "empty"},
      {"tokens = 0", "tokens: must be a whole number, 1 to"},
      {"tokens = -1", "tokens: must be a whole number"},
      {"tokens = \"5\"", "tokens: must be a whole number"},
      {"net = [\"example.com\"]", "net: \"example.com\" must be \"host:port\""},
      {"net = [\n\"a.com:1\",\n\"b.com\"]", "app.toml:3: net"},
      {"listen = [\"localhost:80\"]", "must name an address"},
      {"files = \"/data\"", "[[files]]"},
      {"[[files]]\nhost = \"a\"", "guest in [[files]]: is missing"},
      {"[[files]]\nhost = \"\"\nguest=\"/a\"", "must not be empty"},
      {"[[files]]\nhost = \"a\"\nguest = \"a\"", "must begin with /"},
      {"[[files]]\nhost = \"a\"\nguest = \"/a/../b\"", "must begin with /"},
      {"[[files]]\nhost = \"a\"\nguest = \"/a\"\naccess = \"rw\"",
       "must be one of \"read\", \"read_write\""},
      {"env = [\"A=1\"]", "must be a table"},
      {"[env]\nA = 1", "A in [env]: must be a string"},
      {"[env]\n\"A=B\" = \"1\"", "no name of a variable"},
      {"[env]\nA = \"x\\u0000y\"", "zero byte"},
      {"stores = [\"a\"]", "stores: must be a table"},
      {"[stores]\na = 1", "a in [stores]: must be a string"},
      {"[stores]\na = \"Shop\"", "neither a store's name"},
      {"[stores]\na = \"..\"", "neither a store's name"},
      {"[stores]\n\"\" = \"shop\"", "1 to 256 bytes"},
      {"[config]\na = 1", "a in [config]: must be a string"},
      {"[config]\na = { env = \"A\", file = \"b\" }", "must be a string, { env"},
      {"[config]\na = {}", "must be a string, { env"},
      {"[config]\na = { envv = \"A\" }", "must be a string, { env"},
      {"[config]\na = { env = \"\" }", "must be a string, { env"},
      {"[config]\na = \"caf\xe9\"", "not TOML"},  // nor is it UTF-8
      {"[config]\na = \"\xed\xa0\x80\"", "not TOML"},
      {"[config]\na = \"\xc0\x80\"", "not TOML"},
      {"[config]\na = \"\\ud800\"", "not TOML"},
      {"[limits]\nstore = 5", "store in [limits]: must be a string"},
      {"limits = 3", "must be a table"},
      {"[limits]\nmemory = 256", "memory in [limits]: must be a string"},
      {"[limits]\nmemory = \"256\"", "needs a unit"},
      {"[limits]\nmemory = \"lots\"", "memory in [limits]"},
      {"[limits]\nmemory = \"0MiB\"", "more than nothing"},
      {"[limits]\nwall = \"30\"", "write it like"},
      {"[limits]\nwall = \"0s\"", "write it like"},
      {"[limits]\nwall = \"999999999999999999h\"", "write it like"},
      {"[limits]\nhandles = 0", "handles in [limits]: must be a whole number, 1 to 4294967295"},
      {"[limits]\nhandles = 4294967296", "must be a whole number"},
      {"models = [\"a\"]\nmodels = [\"b\"]", "app.toml:2: not TOML"},
      {"models = [", "not TOML"},
      {"\xff\xfe", "not TOML"},
      // A letter where a blank may stand.
      {"[t \u00e9]", "not TOML"},
      {"[t \ufcbf]", "not TOML"},
  };
  for (const BadCase& bad : cases) EXPECT_THAT(error_of(bad.toml), HasSubstr(bad.says)) << bad.toml;
}

TEST(Manifest, HostileSizes) {
  EXPECT_THAT(error_of(std::string(2U << 20U, '#')), HasSubstr("app.toml is larger than 1 MiB"));
  std::string deep(100'000, '[');
  EXPECT_THAT(error_of("a = " + deep), HasSubstr("not TOML"));
  std::string many = "models = [";
  for (int i = 0; i < 1001; ++i) many += "\"m\",";
  EXPECT_THAT(error_of(many + "]"), HasSubstr("more than 1000"));
  EXPECT_THAT(error_of("models = [\"" + std::string(40'000, 'x') + "\"]"), HasSubstr("32 KiB"));
}

TEST(Manifest, RelativeDirectoriesAreRelativeToTheManifest) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "quern_manifest";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "app.toml") << "[[files]]\nhost = \"data\"\nguest = \"/d\"\n"
                                        "[[files]]\nhost = \"/abs\"\nguest = \"/a\"\n";
  const Grants grants = load_grants(folder / "app.toml").value();
  EXPECT_EQ(grants.files[0].host, folder / "data");
  EXPECT_EQ(grants.files[1].host, "/abs");
  EXPECT_EQ(load_grants(folder / "none.toml").error().kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace quern::guestapi
