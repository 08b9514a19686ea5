// Opens a page in the user's browser, where there is one.
#pragma once

#include "base/files.hpp"
#include "base/process.hpp"

#include <optional>
#include <string>

namespace quern::cli {

// The program that opens pages here; nothing without a display or without such a program.
std::optional<std::filesystem::path> find_browser(const Process& process, Files& files);

// Starts it and does not wait for it.
Result<> open_page(const std::filesystem::path& browser, const std::string& url);

}  // namespace quern::cli
