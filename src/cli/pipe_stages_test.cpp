#include "cli/pipe_stages.hpp"

#include "base/unique_fd.hpp"
#include "cli/test_world.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>

namespace quern::cli {
namespace {

// Takes who connects, and says nothing to him.
class SilentServer {
 public:
  SilentServer() {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = reinterpret_cast<::sockaddr*>(&address);
    ::socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listening_.get(), any, size), 0);
    EXPECT_EQ(::listen(listening_.get(), 8), 0);
    EXPECT_EQ(::getsockname(listening_.get(), any, &size), 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  const std::string& url() const { return url_; }
  UniqueFd accept() { return UniqueFd(::accept(listening_.get(), nullptr, nullptr)); }

 private:
  UniqueFd listening_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string url_;
};

// A component that exports an empty instance under the name of a filter's interface.
std::string filter_component() {
  using namespace std::string_literals;
  const std::string name = "quern:log/filter@0.1.0";
  return "\0asm\x0d\0\x01\0"s + "\x05\x03\x01\x01\0"s + "\x0b\x1c\x01\0\x16"s + name + "\x05\0\0"s;
}

TEST_F(WithWorld, AStopEndsTheWaitOfAStageThatIsMadeForItsModel) {
  SilentServer hub;
  process_.environment["HOME"] = ::testing::TempDir() + "pipe_stages_test";
  process_.environment["HF_ENDPOINT"] = hub.url();
  ASSERT_TRUE(files_.write("/filter.wasm", as_bytes(filter_component())).ok());
  std::stop_source stop;
  PipeStages stages(world_, stop.get_token());
  const pipeline::World world = stages.world();
  const logs::StageWorld stage{.files = world.files,
                               .clock = world.clock,
                               .network = world.network,
                               .process = world.process,
                               .state = {},
                               .beside = "/",
                               .name = "test"};
  Settings file = Settings::parse("[model]\nnames = [\"hub:owner/name\"]\n", "pipe.toml").value();
  const Result<logs::Makers> makers = stages.makers_of()(file, stage);
  ASSERT_TRUE(makers.ok()) << makers.error().describe();
  auto made = std::async(std::launch::async, [&] {
    Settings table =
        Settings::parse("file = \"filter.wasm\"\nmodels = [\"name\"]\n", "pipe.toml").value();
    return makers->filters.at("component")(table, stage);
  });
  const UniqueFd asked = hub.accept();  // it looks for the model now
  stop.request_stop();
  const auto filter = made.get();
  ASSERT_FALSE(filter.ok());
  EXPECT_NE(filter.error().describe().find("cancelled"), std::string::npos)
      << filter.error().describe();
}

}  // namespace
}  // namespace quern::cli
