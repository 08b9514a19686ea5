// Whole command lines in a world of fakes: what is printed, and the exit code.
#include "cli/exit_codes.hpp"
#include "cli/test_world.hpp"

namespace quern::cli {
namespace {

class RunTest : public WithWorld {
 protected:
  RunTest() { process_.environment["HOME"] = "/home/me"; }
};

TEST_F(RunTest, OutputThatCannotBeWrittenIsAFailure) {
  EXPECT_EQ(run({"version"}, world_), kSuccess);
  console_.lost = Error(ErrorKind::internal, "the output cannot be written: No space left");
  EXPECT_EQ(run({"version"}, world_), kFailure);
  EXPECT_EQ(console_.written_err, "quern: the output cannot be written: No space left\n");
}

TEST_F(RunTest, AModelThatIsNearlyKnownIsTheAdvice) {
  EXPECT_EQ(run({"model", "show", "smolm2-135m-instruct"}, world_), 3);
  EXPECT_NE(console_.written_err.find("try: quern model show smollm2-135m-instruct\n"),
            std::string::npos)
      << console_.written_err;
  console_.written_err.clear();
  EXPECT_EQ(run({"model", "show", "zzzzzzzzzzzzzzzz"}, world_), 3);
  EXPECT_NE(console_.written_err.find("try: quern model ls\n"), std::string::npos)
      << console_.written_err;
}

TEST_F(RunTest, AnArtifactIsNotPulledOntoAFolder) {
  ASSERT_TRUE(files_.make_directories("models", 0755).ok());
  EXPECT_EQ(run({"pull", "localhost:1/acme/a", "-o", "models"}, world_), kUsage);
  EXPECT_EQ(console_.written_err,
            "quern: models is a folder, and one file is pulled\n"
            "  try: quern pull -o models/program.wasm localhost:1/acme/a:latest\n");
}

TEST_F(RunTest, AFileThatIsNoKeyIsNamed) {
  ASSERT_TRUE(files_.make_directories("keys", 0755).ok());
  ASSERT_TRUE(files_.write("keys/m.wasm", as_bytes("\0asm")).ok());
  for (const std::string command : {"sign", "verify"}) {
    console_.written_err.clear();
    EXPECT_EQ(run({command, "--key", "keys/m.wasm", "localhost:1/a"}, world_), kUsage);
    const std::string kind = command == "sign" ? "private" : "public";
    EXPECT_EQ(console_.written_err, "quern: --key keys/m.wasm: it is no " + kind + " key as PEM\n");
  }
}

}  // namespace
}  // namespace quern::cli
