#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/templates.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace quern::cli {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr const char* kHelp = "quern new --help";

// What is planned and not there: whoever asks for it is told so.
constexpr std::array<std::string_view, 1> kPlanned = {"flow"};

// It becomes a folder, a file and a word in source texts of five languages.
bool good_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= kLongestName && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

Result<> check(const New& options, World& world) {
  if (std::find(kPlanned.begin(), kPlanned.end(), options.kind) != kPlanned.end()) {
    return fail(
        with_advice(Error(ErrorKind::unsupported,
                          "projects of kind \"" + options.kind +
                              "\" are not supported yet; there are http, command and filter"),
                    kHelp));
  }
  if (!good_name(options.name)) {
    return fail(with_advice(
        Error(ErrorKind::invalid_argument,
              "\"" + options.name + "\" cannot be a project's name: it begins with a letter, and " +
                  "letters, digits, - and _ follow, " + std::to_string(kLongestName) + " in all"),
        kHelp));
  }
  if (world.files.exists(options.name)) {
    return fail(ErrorKind::already_exists,
                options.name + " is here already, and nothing is overwritten");
  }
  if (world.templates.empty()) {
    return fail(ErrorKind::unsupported,
                "this build of Quern has no projects in it: it was made without tools for guests");
  }
  return {};
}

Result<> write_all(const Project& project, const std::filesystem::path& folder, Files& files) {
  TRY(files.make_directories(folder));
  for (const ProjectFile& file : project.files) {
    const std::filesystem::path path = folder / file.path;
    TRY(files.make_directories(path.parent_path()));
    TRY(files.write(path, file.content));
  }
  return {};
}

}  // namespace

Result<int> new_project(const New& options, World& world) {
  TRY(check(options, world));
  const Project project =
      TRY(unpack_project(world.templates, options.language + "/" + options.kind, options.name));
  TRY(write_all(project, options.name, world.files)
          .context(options.name + " is not whole, and is best removed"));
  world.console.out(options.name + " is there. What this machine needs to build it stands in " +
                    options.name + "/README.md.\n\n  cd " + options.name + " && " + project.build +
                    "\n  " + project.run + "\n");
  return kSuccess;
}

}  // namespace quern::cli
