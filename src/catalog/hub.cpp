#include "catalog/hub.hpp"

#include "base/sha256.hpp"
#include "base/text.hpp"
#include "catalog/download.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace quern::catalog {
namespace {

using Json = nlohmann::json;

// What to take when a repository has many: small for its quality first.
constexpr std::array kQuantizations = {"q4_k_m", "q8_0", "q5_k_m", "q4_0", "q6_k", "f16"};

struct Listed {
  std::string path;
  std::uint64_t size = 0;
  std::string digest;
};

Result<std::vector<Listed>> read_tree(const std::string& text) {
  std::vector<Listed> files;
  try {
    for (const Json& file : Json::parse(text)) {
      if (file.value("type", "") != "file") continue;
      Listed listed{.path = file.at("path").get<std::string>(),
                    .size = file.at("size").get<std::uint64_t>()};
      if (file.contains("lfs")) {
        listed.digest = "sha256:" + file["lfs"].at("oid").get<std::string>();
        listed.size = file["lfs"].at("size").get<std::uint64_t>();
        if (!is_digest(listed.digest))
          return fail(ErrorKind::corrupt_data, "the hub has a malformed digest");
      }
      files.push_back(std::move(listed));
    }
  } catch (const Json::exception& problem) {
    return fail(ErrorKind::corrupt_data, std::string("the hub's list of files: ") + problem.what());
  }
  return files;
}

// One whole model of text: no projector, no piece of a split file.
bool is_model(const Listed& file) {
  const std::string path = to_lower(file.path);
  return path.ends_with(".gguf") && path.find("mmproj") == std::string::npos &&
         path.find("-of-0") == std::string::npos && path.find('/') == std::string::npos;
}

const Listed* choose(const std::vector<Listed>& files, const std::string& name) {
  if (!name.empty()) {
    const auto found =
        std::find_if(files.begin(), files.end(), [&](const Listed& f) { return f.path == name; });
    return found == files.end() ? nullptr : &*found;
  }
  for (const char* quantization : kQuantizations) {
    for (const Listed& file : files) {
      if (is_model(file) && to_lower(file.path).find(quantization) != std::string::npos)
        return &file;
    }
  }
  const auto any = std::find_if(files.begin(), files.end(), is_model);
  return any == files.end() ? nullptr : &*any;
}

}  // namespace

Hub::Hub(std::string address, const Process& process)
    : address_(std::move(address)), token_(process.env("HF_TOKEN").value_or("")) {
  if (address_.empty()) address_ = process.env("HF_ENDPOINT").value_or("https://huggingface.co");
  while (address_.ends_with('/')) address_.pop_back();
}

std::vector<std::pair<std::string, std::string>> Hub::headers() const {
  if (token_.empty()) return {};
  return {{"Authorization", "Bearer " + token_}};
}

Result<HubWeights> Hub::look_up(Network& network, const HubFile& wanted,
                                const std::stop_token& stop) const {
  const std::size_t slash = wanted.file.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : "/" + wanted.file.substr(0, slash);
  const std::string url = address_ + "/api/models/" + wanted.repository + "/tree/main" + folder;
  auto page = fetch_page(network, {.url = url, .headers = headers()}, stop);
  if (!page.ok() && page.error().kind() == ErrorKind::permission_denied) {
    return fail(std::move(page).error().wrap(
        "the hub wants to know who asks: accept the licence of " + wanted.repository +
        " there (or check its name), and set HF_TOKEN"));
  }
  const Page listing = TRY(std::move(page));
  const auto files = TRY(read_tree(listing.text));
  const Listed* const chosen = choose(files, wanted.file);
  if (chosen == nullptr) {
    return fail(ErrorKind::not_found,
                wanted.repository + " has no " + (wanted.file.empty() ? "GGUF file" : wanted.file));
  }
  return HubWeights{.file = chosen->path,
                    .url = address_ + "/" + wanted.repository + "/resolve/main/" + chosen->path,
                    .digest = chosen->digest,
                    .size = chosen->size};
}

}  // namespace quern::catalog
