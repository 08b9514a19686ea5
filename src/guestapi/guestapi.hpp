// guestapi: what guests may import, and which guest may import what.
//
// For:     grants (deny by default, read from a TOML manifest or built by the CLI), and the host
//          side of what guests import beside WASI: wasi:logging and WASI-NN; quern:llm,
//          wasi:keyvalue, wasi:config and Spin's interfaces for components.
// Refuses: running guests (apphost, cli) and protocols.
// Owns:    a GuestApi is shared by all guests and outlives them; each instance has one
//          InstanceState with its handle table, freed with the instance.
// Threads: host functions run on the wasm engine's workers and answer from there, from the model's
//          thread, or from one of four own threads for what would block: loading, long counts,
//          stores, computing tensors.
// Errors:  a denied call is permission_denied and names the missing grant as it would stand in
//          the manifest: `models = ["gemma"]`. WASI-NN answers numbers; the log has the words.
//
//     Grants grants = TRY(parse_grants(toml_text, "app.toml"));
//     GuestApi api(*models);
//     auto linked = TRY(engine.link(program, api.imports()));
//     linked->run(TRY(api.sandbox(grants, {.tenant = "cli"})), done);
#pragma once

#include "base/deadline.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/result.hpp"
#include "inference/inference.hpp"
#include "wasm/wasm.hpp"

#include "store/store.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::tensor {
class GraphShelf;
}

namespace quern::guestapi {

// A store under the label by which the guest opens it.
struct StoreGrant {
  std::string label;
  store::Place place;  // its limit is Grants::store_limit
};

// A value of the configuration whose text lies elsewhere, so that it stands in no manifest.
struct Secret {
  std::string name;
  std::string variable;        // of Quern's own environment; or
  std::filesystem::path file;  // the text of a file, without the line end at its end
};

// What a guest may do. The default is nothing. The form of the manifest is in
// docs/formats/manifest.md; an unknown key is an error that names line and key.
struct Grants {
  std::vector<wasm::Directory> files;
  std::vector<std::pair<std::string, std::string>> env;
  // "api.example.com:443", "*.example.com:443", "127.0.0.1:8000-8100", "*:*". Names are for
  // outbound HTTP and for sockets after resolution.
  std::vector<std::string> net;
  // Addresses that the guest may bind: "127.0.0.1:9000".
  std::vector<std::string> listen;
  // Names of models and graphs; "*" is every model here. The first is the guest's default.
  std::vector<std::string> models;
  std::vector<StoreGrant> stores;
  // What one store may become by this guest's writing.
  Bytes store_limit = 1_GiB;
  // Names and values that the guest may read.
  std::map<std::string, std::string, std::less<>> config;
  // Become part of `config` by read_secrets().
  std::vector<Secret> secrets;
  // Graphs that the guest brings itself (WASI-NN's `load` of bytes) may have so much together; 0:
  // it may bring none.
  Bytes graphs{};
  wasm::Limits limits;
  // Model tokens (prompt and completion) one instance may use; 0: no budget. Guests that share an
  // account have that one's.
  std::uint64_t tokens = 0;
};

// `name` is for messages only. invalid_argument with line, key and what is allowed.
Result<Grants> parse_grants(std::string_view toml, std::string_view name);
Result<Grants> load_grants(const std::filesystem::path& manifest);
// `place`: a name or a path, as in the manifest's [stores]. invalid_argument.
Result<StoreGrant> parse_store(std::string_view label, std::string_view place);
// Puts a value into `config`, in place of an older one. invalid_argument, which does not repeat it,
// when it is not UTF-8: guests are given text.
Result<> set_config(Grants& grants, std::string_view name, std::string value);
// not_found names the variable or file of a secret that is not there, invalid_argument a secret
// that is not UTF-8; never what is in one.
Result<> read_secrets(Grants& grants, const Process& process, Files& files);

// Where models come from: by the granted name, loading on first use where that is configured.
class ModelProvider {
 public:
  virtual ~ModelProvider() = default;
  // At once; null when open() has to be asked. Any thread.
  virtual std::shared_ptr<inference::Model> loaded(std::string_view name) const = 0;
  // May load, and so block; called on a thread that is there for it. not_found and whatever
  // loading says.
  virtual Result<std::shared_ptr<inference::Model>> open(std::string_view name) = 0;
  // What guests may be told of, at once. Any thread.
  virtual std::vector<inference::ModelInfo> available() const = 0;
};

// The model tokens that guests use, prompt and completion together.
class Account;
using Meter = std::function<void(const inference::Usage&)>;
// For several guests, which have `tokens` together; 0: no budget. `meter`: as Guest's.
std::shared_ptr<Account> shared_account(std::uint64_t tokens, Meter meter);

struct Guest {
  std::string tenant;         // whose prefix cache, in logs and metering
  std::uint64_t request = 0;  // its number in the log (log::next_request_id); 0: none
  // Told about every generation and embedding that used tokens, once it is over or dropped; on any
  // thread, must be short. May be empty.
  Meter meter;
  // Null: one of its own, with Grants::tokens and `meter`, which are not looked at otherwise.
  std::shared_ptr<Account> account = nullptr;
};

class GuestApi {
 public:
  // `stores`: where the granted ones are kept; null: opening one fails. `graphs`: outlives it, as
  // `models` does; null: there are no graphs of tensors.
  explicit GuestApi(ModelProvider& models, std::unique_ptr<store::Stores> stores = nullptr,
                    tensor::GraphShelf* graphs = nullptr);
  ~GuestApi();
  // Every interface and function, for Engine::link. Valid as long as *this.
  const wasm::HostImports& imports() const;
  // A sandbox holding exactly the grants; args, stdio and further env are the caller's to add.
  Result<wasm::Sandbox> sandbox(const Grants& grants, Guest guest) const;
  // Once, when no guest is left: ends what computes graphs for those that were. False when one
  // operation of a graph, which nothing can end, still runs at `deadline`; the destructor waits for
  // it, and whoever cannot wait leaves the process.
  bool end(Deadline deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quern::guestapi
