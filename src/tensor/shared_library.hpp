// A library of somebody else's that is loaded when the first graph needs it: where it is looked
// for, and the one that serves.
#pragma once

#include "base/files.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

namespace quern::tensor {

struct SharedLibrary {
  std::string_view variable;        // of the environment: the file, and no other is tried
  std::string_view file;            // its name, but for the version
  std::vector<const char*> system;  // names that the system's own search may know
  std::filesystem::path package;    // its folder among Python's packages
  std::string_view missing;         // what to do when it is nowhere
};

// Names for dlopen, in the order in which they are tried: beside the executable, the system's,
// those of Python's package (of the active environment, the user's, the system's).
std::vector<std::filesystem::path> library_places(const SharedLibrary& library,
                                                  const Process& process, Files& files);

// The first that `use` takes: it is given what dlopen answered, and where that lies. It stays until
// the process ends: its threads could not survive anything else. not_found where none
// serves, with what `use` said of the first that is here, or `missing`; unsupported for the one that
// the variable names.
Result<> load_library(const SharedLibrary& library, const Process& process, Files& files,
                      const std::function<Result<>(void*, const std::filesystem::path&)>& use);

// Whether these words of a library say that there was not enough memory.
bool speaks_of_memory(std::string_view words);

// Why a graph was not loaded. A library says in many ways that it cannot make sense of a file; none
// is a fault of ours.
Failure not_loaded(const Error& error);

}  // namespace quern::tensor
