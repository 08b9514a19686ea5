// The projects that `quern new` can begin, as sdk/new/pack.py packed them into the program:
//
//     "1234\n"            the length of the index
//     {"files":    {"key": [offset, size]},            of the bytes after the index
//      "projects": {"python/http": {"files": {"app.py": "key"}, "build": "...", "run": "..."}}}
//     the files' bytes
//
// "@NAME@" in a text stands for the project's name.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <string>
#include <utility>
#include <vector>

namespace quern::cli {

struct ProjectFile {
  std::string path;  // relative to the project's folder
  Buffer content;
};

struct Project {
  std::vector<ProjectFile> files;  // sorted by path
  std::string build;               // the command that makes NAME.wasm, in the project's folder
  std::string run;                 // the command that runs it
};

// `packed`: as above, within gzip. `which`: "python/http". unsupported when there is no such
// project; corrupt_data when the bytes are not what pack.py makes.
Result<Project> unpack_project(ByteView packed, const std::string& which, const std::string& name);

}  // namespace quern::cli
