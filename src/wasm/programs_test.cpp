// Loading, linking and running: what a well-behaved program sees.
#include "wasm/test_support.hpp"

#include <fstream>

namespace quern::wasm {
namespace {

using namespace testing;

struct Printed {
  Result<int> exit_code;
  std::string out;
  std::string err;
};

Printed run_printing(std::string_view name, Sandbox sandbox, const HostImports& host = {}) {
  const auto out = std::make_shared<Collected>();
  const auto err = std::make_shared<Collected>();
  sandbox.out = out;
  sandbox.err = err;
  Result<int> code = run_guest(name, std::move(sandbox), host);
  return {std::move(code), out->text(), err->text()};
}

class Folder {
 public:
  Folder() {
    std::string pattern = ::testing::TempDir() + "quern-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(Programs, KnowsWhatAModuleIs) {
  const auto program = shared_engine().load_file(guest("exit_code"));
  ASSERT_TRUE(program.ok()) << program.error().describe();
  EXPECT_EQ((*program)->kind(), ProgramKind::module);
  EXPECT_TRUE((*program)->is_command());
  EXPECT_FALSE((*program)->is_http_handler());
  EXPECT_EQ((*program)->imports(), std::vector<std::string>{"wasi_snapshot_preview1.proc_exit"});
  EXPECT_EQ((*program)->exports(), (std::vector<std::string>{"memory", "_start"}));
  EXPECT_EQ((*program)->digest().substr(0, 7), "sha256:");
  EXPECT_EQ((*program)->digest().size(), 7U + 64U);
}

TEST(Programs, KnowsWhatAComponentIs) {
  const auto program = shared_engine().load_file(guest("hostile"));
  ASSERT_TRUE(program.ok()) << program.error().describe();
  EXPECT_EQ((*program)->kind(), ProgramKind::component);
  EXPECT_TRUE((*program)->is_command());
  EXPECT_TRUE((*program)->is_http_handler());
  const auto& imports = (*program)->imports();
  EXPECT_NE(std::find(imports.begin(), imports.end(), "quern:test/host@0.1.0"), imports.end());
}

TEST(Programs, RefusesWhatIsNotWasm) {
  const auto text = shared_engine().load(as_bytes("#!/bin/sh\n"), "script.sh");
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().kind(), ErrorKind::corrupt_data);
  const auto broken =
      shared_engine().load(as_bytes({"\0asm\1\0\0\0\xff\xff\xff", 11}), "broken.wasm");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().kind(), ErrorKind::corrupt_data);
  EXPECT_NE(broken.error().message().find("broken.wasm"), std::string::npos);
  const auto absent = shared_engine().load_file("/nowhere/at/all.wasm");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().kind(), ErrorKind::not_found);
}

TEST(Programs, NamesEveryMissingImport) {
  const auto program = shared_engine().load_file(guest("unknown_imports"));
  ASSERT_TRUE(program.ok());
  const auto linked = shared_engine().link(*program, {});
  ASSERT_FALSE(linked.ok());
  EXPECT_EQ(linked.error().kind(), ErrorKind::unsupported);
  EXPECT_NE(linked.error().message().find("env.print"), std::string::npos);
  EXPECT_NE(linked.error().message().find("mystery.oracle"), std::string::npos);
  const auto advised = shared_engine().link(
      *program, {.interfaces = {},
                 .functions = {},
                 .advice = {{.beginning = "mystery.", .advice = "ask the sphinx"}}});
  ASSERT_FALSE(advised.ok());
  EXPECT_NE(advised.error().message().find("mystery.oracle (ask the sphinx)"), std::string::npos);
  const auto component = shared_engine().load_file(guest("hostile"));
  ASSERT_TRUE(component.ok());
  const auto unlinked = shared_engine().link(*component, {});
  ASSERT_FALSE(unlinked.ok());
  EXPECT_EQ(unlinked.error().kind(), ErrorKind::unsupported);
  EXPECT_NE(unlinked.error().message().find("quern:test/host@0.1.0"), std::string::npos);
}

TEST(Programs, TakesPrecompiledCodeOnlyFromItself) {
  const std::string wasm = [] {
    std::ifstream file(guest("exit_code"), std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  }();
  auto image = shared_engine().precompile(as_bytes(wasm));
  ASSERT_TRUE(image.ok()) << image.error().describe();
  const auto program = shared_engine().load_trusted_image(*image, as_bytes(wasm));
  ASSERT_TRUE(program.ok()) << program.error().describe();
  const auto linked = shared_engine().link(*program, {});
  ASSERT_TRUE(linked.ok());
  const auto code = run(**linked);
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(*code, 7);
  // Given as a program, the same bytes are refused: they are machine code.
  const auto smuggled = shared_engine().load(*image, "program.cwasm");
  ASSERT_FALSE(smuggled.ok());
  EXPECT_EQ(smuggled.error().kind(), ErrorKind::corrupt_data);
  EXPECT_NE(smuggled.error().message().find("precompiled"), std::string::npos);
}

TEST(Programs, PassesTheExitCode) {
  const auto code = run_guest("exit_code");
  ASSERT_TRUE(code.ok()) << code.error().describe();
  EXPECT_EQ(*code, 7);
  const auto zero = run_guest("healthy");
  ASSERT_TRUE(zero.ok());
  EXPECT_EQ(*zero, 0);
}

TEST(Programs, SeesItsArgumentsAndItsEnvironmentAlone) {
  const Printed args = run_printing("program", {.args = {"program", "args", "två"}});
  ASSERT_TRUE(args.exit_code.ok()) << args.exit_code.error().describe();
  EXPECT_EQ(args.out, "program\nargs\ntvå\n");
  const Printed given =
      run_printing("program", {.args = {"program", "env", "COLOR"}, .env = {{"COLOR", "blue"}}});
  EXPECT_EQ(given.out, "blue\n");
  ASSERT_NE(::getenv("PATH"), nullptr);
  const Printed inherited = run_printing("program", {.args = {"program", "env", "PATH"}});
  EXPECT_EQ(inherited.out, "(unset)\n");
}

TEST(Programs, SeesItsDirectoriesAlone) {
  const Folder folder;
  std::ofstream(folder.path() / "note.txt") << "from the host";
  std::ofstream(folder.path().parent_path() / "outside.txt") << "secret";
  const Directory readable{.host = folder.path(), .guest = "/data", .access = Access::read};
  const auto read = [&](const char* path) {
    return run_printing("program", {.args = {"program", "read", path}, .directories = {readable}});
  };
  const Printed granted = read("/data/note.txt");
  EXPECT_EQ(granted.out, "from the host");
  EXPECT_EQ(*granted.exit_code, 0);
  EXPECT_EQ(*read("/etc/passwd").exit_code, 3);
  const Printed escape = read("/data/../outside.txt");
  EXPECT_EQ(*escape.exit_code, 3);
  EXPECT_EQ(escape.out, "");
  std::filesystem::create_symlink("/etc/passwd", folder.path() / "link");
  EXPECT_EQ(*read("/data/link").exit_code, 3);
  std::filesystem::remove(folder.path().parent_path() / "outside.txt");
}

TEST(Programs, WritesOnlyWhereItMay) {
  const Folder folder;
  Directory directory{.host = folder.path(), .guest = "/data", .access = Access::read};
  const auto write = [&] {
    return *run_printing("program", {.args = {"program", "write", "/data/new.txt", "hello"},
                                     .directories = {directory}})
                .exit_code;
  };
  EXPECT_EQ(write(), 4);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "new.txt"));
  directory.access = Access::read_write;
  EXPECT_EQ(write(), 0);
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "new.txt"), 5U);
}

TEST(Programs, NamesADirectoryThatIsNotThere) {
  const auto code = run_guest("healthy", {.directories = {{.host = "/nowhere", .guest = "/"}}});
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().kind(), ErrorKind::not_found);
  EXPECT_NE(code.error().message().find("/nowhere"), std::string::npos);
}

TEST(Programs, RunsAComponentAsACommand) {
  const auto host = std::make_shared<TestHost>();
  const Printed printed = run_printing("hostile", {.args = {"hostile", "print"}}, host->imports());
  ASSERT_TRUE(printed.exit_code.ok()) << printed.exit_code.error().describe();
  EXPECT_EQ(*printed.exit_code, 0);
  EXPECT_EQ(printed.out, "printed by a component\n");
  const Printed failing =
      run_printing("hostile", {.args = {"hostile", "no such"}}, host->imports());
  ASSERT_TRUE(failing.exit_code.ok());
  EXPECT_EQ(*failing.exit_code, 1);
}

TEST(Programs, InvokesAFunctionByName) {
  HostImports host;
  host.functions.push_back({.module = "test",
                            .name = "later",
                            .parameters = {RawType::i32},
                            .results = {RawType::i32},
                            .call = [](RawCall&) -> Result<RawStatus> { return RawStatus::done; }});
  host.functions.push_back(
      {.module = "test",
       .name = "sum",
       .parameters = {RawType::i32, RawType::i64, RawType::f32, RawType::f64},
       .results = {RawType::f64},
       .call = [](RawCall& call) -> Result<RawStatus> {
         const auto a = static_cast<std::int32_t>(call.argument(0));
         const auto b = static_cast<std::int64_t>(call.argument(1));
         const auto c = std::bit_cast<float>(static_cast<std::uint32_t>(call.argument(2)));
         const auto d = std::bit_cast<double>(call.argument(3));
         call.result(0, std::bit_cast<std::uint64_t>(a + static_cast<double>(b) + c + d));
         return RawStatus::done;
       }});
  const auto linked = link_guest("raw", host);
  const auto invoke = [&](std::string function, std::vector<std::string> arguments) {
    Later<Invoked> later;
    const auto running =
        linked->invoke({}, std::move(function), std::move(arguments), later.setter());
    return later.get();
  };
  const auto sum = invoke("sum", {"-1", "10", "0.5", "0.25"});
  ASSERT_TRUE(sum.ok()) << sum.error().describe();
  EXPECT_EQ(sum->results, "9.75");
  EXPECT_EQ(invoke("absent", {}).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(invoke("sum", {"1"}).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(invoke("peek", {"zero"}).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(invoke("peek", {"100000"}).error().kind(), ErrorKind::guest_trap);
}

TEST(Programs, StartsInMicroseconds) {
  const auto linked = link_guest("healthy");
  ASSERT_TRUE(linked->measure_start({}).ok());  // the first touches the pool
  const auto time = linked->measure_start({});
  ASSERT_TRUE(time.ok());
  EXPECT_GT(time->count(), 0);
  EXPECT_LT(*time, 20ms);  // generous: the bench measures, this only finds a lost pool
}

TEST(Programs, AnEngineOfDefaultSizeIsMade) {
  const auto engine = Engine::create({});  // its pool reserves address space by the terabyte
  ASSERT_TRUE(engine.ok()) << engine.error().describe();
  EXPECT_EQ((*engine)->live_instances(), 0U);
}

TEST(Programs, LeavesNoInstanceBehind) {
  ASSERT_TRUE(run_guest("healthy").ok());
  EXPECT_TRUE(eventually([] { return shared_engine().live_instances() == 0; }));
  EXPECT_NE(shared_engine().describe().find("wasmtime"), std::string::npos);
}

}  // namespace
}  // namespace quern::wasm
