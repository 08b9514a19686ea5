#include "guestapi/nn_ggml.hpp"

#include "guestapi/ggml_context.hpp"
#include "guestapi/guest_instance.hpp"

#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::size_t kLongestName = 1024;  // it may be a file's path

class GgmlGraph final : public NnGraph {
 public:
  GgmlGraph(std::shared_ptr<inference::Model> model, NnOptions options, Lane& counting)
      : model_(std::move(model)), options_(std::move(options)), counting_(counting) {}

  std::shared_ptr<NnContext> make_context(GuestInstance& guest) override {
    return std::make_shared<GgmlContext>(model_, options_, guest, counting_);
  }

 private:
  const std::shared_ptr<inference::Model> model_;
  const NnOptions options_;
  Lane& counting_;
};

// A file that is not there is not the same as a name that nobody granted.
NnStep not_opened(const Error& error) {
  if (error.kind() != ErrorKind::not_found) return fail(error);
  return {NnStatus::model_not_found, error.describe()};
}

}  // namespace

NnStep GgmlBackend::open(GuestInstance& guest, NnCall& call, const std::string& name,
                         std::shared_ptr<inference::Model>& out) {
  if (!guest.nn.opening) {
    out = models_.loaded(name);
    if (out) return {};
    auto opening = std::make_shared<NnSession::Opening>();
    TRY(opening_.run([&models = models_, opening, name] { opening->put(models.open(name)); }));
    guest.nn.opening = std::move(opening);
  }
  auto opened = guest.nn.opening->take_or_wait(call.waker());
  if (!opened) return NnStep::pending();
  guest.nn.opening = nullptr;
  if (!opened->ok()) return not_opened(opened->error());
  out = **std::move(opened);
  return {};
}

NnStep GgmlBackend::load_by_name(GuestInstance& guest, NnCall& call, std::string_view name,
                                 std::string_view config, std::shared_ptr<NnGraph>& out) {
  if (name.size() > kLongestName) return {NnStatus::not_found, "no graph has a name of over 1 KiB"};
  const std::string granted = TRY(guest.granted_model(name, models_));
  NnOptions options;
  if (!config.empty()) {
    if (NnStep merged = merge_options(options, config); !merged.succeeded()) return merged;
  }
  std::shared_ptr<inference::Model> model;
  if (NnStep opened = open(guest, call, granted, model); !opened.succeeded()) return opened;
  out = std::make_shared<GgmlGraph>(std::move(model), std::move(options), counting_);
  return {};
}

NnStep GgmlBackend::load(GuestInstance& guest, NnCall& call, NnEncoding /*encoding*/,
                         const NnBuilders& builders, std::shared_ptr<NnGraph>& out) {
  constexpr std::string_view kPreload = "preload:";
  if (builders.empty()) return {NnStatus::invalid_argument, "load() got nothing to load"};
  if (!builders.front().starts_with(kPreload)) {
    return {NnStatus::unsupported_operation,
            "weights in a guest's memory are not loaded; grant the file with --nn-preload"};
  }
  const std::string_view config = builders.size() > 1 ? builders[1] : std::string_view();
  return load_by_name(guest, call, builders.front().substr(kPreload.size()), config, out);
}

}  // namespace quern::guestapi
