#include "plugins/load.hpp"

namespace quern::plugins {
namespace {

constexpr Bytes kLargestProgram = 256_MiB;
constexpr std::uint64_t kMostInstances = 64;

}  // namespace

Result<LoadedProgram> load(Settings& settings, const logs::StageWorld& world,
                           wasm::Engine& engine) {
  const std::string_view key = settings.has("file") ? "file" : "wasm_path";
  const std::string path = TRY(settings.text(key));
  if (key == "file" && settings.has("wasm_path")) {
    return settings.wrong("wasm_path", "is the same as `file`; give one of them");
  }
  const auto bytes = world.files.read(world.beside / path, kLargestProgram);
  if (!bytes.ok()) return settings.wrong(key, bytes.error().describe());
  if (as_text(*bytes).starts_with(std::string_view("\0aot", 4))) {
    return settings.wrong(key, path +
                                   " is machine code made for another program; give the .wasm "
                                   "that it was made of");
  }
  auto program = engine.load(*bytes, path);
  if (!program.ok()) return settings.wrong(key, program.error().describe());
  return LoadedProgram{.program = *std::move(program), .key = key};
}

Result<WorkPolicy> work_policy(Settings& settings) {
  WorkPolicy policy;
  policy.on_fault = TRY(logs::read_on_fault(settings));
  const std::string idle = TRY(settings.one_of("out_of_work", {"as_fault", "wait"}));
  if (idle == "wait") policy.out_of_work = OutOfWork::wait;
  const Settings::Range range{.least = 1, .most = kMostInstances};
  policy.instances = static_cast<std::uint32_t>(TRY(settings.number_or("instances", 1, range)));
  return policy;
}

Result<std::vector<wasm::Directory>> directories(Settings& settings,
                                                 const logs::StageWorld& world) {
  std::vector<wasm::Directory> all;
  const auto add = [&](std::string_view key, wasm::Access access) -> Result<> {
    for (const std::string& path : TRY(settings.texts(key))) {
      all.push_back({.host = world.beside / path, .guest = path, .access = access});
    }
    return {};
  };
  TRY(add("accessible_paths", wasm::Access::read));
  TRY(add("writable_paths", wasm::Access::read_write));
  return all;
}

}  // namespace quern::plugins
