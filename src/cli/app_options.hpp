// How subcommands are described to CLI11; for app.cpp and its parts.
#pragma once

#include "cli/app.hpp"

namespace quern::cli {

inline constexpr const char* kOther = "Other";  // heads the last paragraph of a help page

template <class Value>
CLI::Option* add(CLI::App& app, const char* group, const char* name, const char* type, Value& value,
                 const char* description) {
  return app.add_option(name, value, description)->group(group)->type_name(type);
}

// What every command takes.
void add_common(CLI::App& app, Values& values);
// `quern pipe` and all below it.
void add_pipe(CLI::App& root, Values& values);

}  // namespace quern::cli
