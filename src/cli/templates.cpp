#include "cli/templates.hpp"

#include "base/unpack.hpp"

#include <nlohmann/json.hpp>

#include <charconv>

namespace quern::cli {
namespace {

using nlohmann::json;

constexpr Bytes kMost = 4_MiB;  // far above what is packed
constexpr std::string_view kNamePlace = "@NAME@";

std::string named(std::string text, const std::string& name) {
  for (std::size_t at = 0; (at = text.find(kNamePlace, at)) != std::string::npos;) {
    text.replace(at, kNamePlace.size(), name);
    at += name.size();
  }
  return text;
}

// Throws json::exception or std::out_of_range when the archive is not whole.
Result<Project> read_project(std::string_view archive, const std::string& which,
                             const std::string& name) {
  std::size_t length = 0;
  const auto read = std::from_chars(archive.data(), archive.data() + archive.size(), length);
  const std::size_t begin = static_cast<std::size_t>(read.ptr - archive.data()) + 1;
  const json index = json::parse(archive.substr(begin, length));
  const std::string_view contents = archive.substr(begin + length);
  const json& projects = index.at("projects");
  if (!projects.contains(which)) {
    return fail(ErrorKind::unsupported, "there is no project " + which + " to begin with");
  }
  const json& chosen = projects.at(which);
  Project project;
  for (const auto& [path, key] : chosen.at("files").items()) {
    const json& place = index.at("files").at(key.get<std::string>());
    const std::string text(contents.substr(place.at(0).get<std::size_t>(), place.at(1)));
    project.files.push_back({path, to_buffer(path.ends_with(".wasm") ? text : named(text, name))});
  }
  project.build = named(chosen.at("build"), name);
  project.run = named(chosen.at("run"), name);
  return project;
}

}  // namespace

Result<Project> unpack_project(ByteView packed, const std::string& which, const std::string& name) {
  const Buffer archive = TRY(unpack(packed, kMost));
  // The library reports by exceptions; they end here.
  try {
    return read_project(as_text(archive), which, name);
  } catch (const std::exception& problem) {
    return fail(ErrorKind::corrupt_data,
                std::string("the projects in this program are not whole: ") + problem.what());
  }
}

}  // namespace quern::cli
