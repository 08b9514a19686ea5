// What stands behind the handles. Each pins what it needs, so that a host program may close them in
// any order.
#pragma once

#include "base/guarded.hpp"
#include "capi/bell.hpp"
#include "capi/handles.hpp"
#include "capi/quern.h"
#include "inference/inference.hpp"

#include "loader/loader.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace quern::capi {

// One tenant: what a host program asks shares its prompts' beginnings.
inline constexpr const char* kTenant = "host";

// A LoRA adapter as a host program names it.
struct AdapterChoice {
  std::string file;
  float scale = 1;
};

class EngineObject final : public Object {
 public:
  static constexpr std::string_view kKind = "engine";
  EngineObject(std::shared_ptr<inference::Engine> engine, std::vector<AdapterChoice> adapters)
      : engine_(std::move(engine)), adapters_(std::move(adapters)) {}
  std::string_view kind() const override { return kKind; }
  inference::Engine& engine() const { return *engine_; }
  // Of all weights that this engine loads.
  const std::vector<AdapterChoice>& adapters() const { return adapters_; }
  Guarded<loader::FileNames>& file_names() const { return file_names_; }

 private:
  const std::shared_ptr<inference::Engine> engine_;
  const std::vector<AdapterChoice> adapters_;
  mutable Guarded<loader::FileNames> file_names_;
};

class ModelObject final : public Object {
 public:
  static constexpr std::string_view kKind = "model";
  ModelObject(std::shared_ptr<inference::Model> model, quern_engine engine)
      : model_(std::move(model)), engine_(engine) {}
  std::string_view kind() const override { return kKind; }
  const std::shared_ptr<inference::Model>& model() const { return model_; }
  quern_engine engine() const { return engine_; }

 private:
  const std::shared_ptr<inference::Model> model_;
  const quern_engine engine_;
};

// Something that is on its way and rings when it has something to give.
class Pending : public Object {
 public:
  static constexpr std::string_view kKind = "answer or embedding";
  explicit Pending(std::shared_ptr<Bell> bell) : bell_(std::move(bell)) {}
  Bell& bell() const { return *bell_; }

 protected:
  const std::shared_ptr<Bell> bell_;
};

class AnswerObject final : public Pending {
 public:
  static constexpr std::string_view kKind = "answer";
  AnswerObject(std::shared_ptr<inference::Model> model,
               std::unique_ptr<inference::Generation> generation, std::shared_ptr<Bell> bell);
  std::string_view kind() const override { return kKind; }

  // The event points into *this until the next call or close(). A prompt that does not fit sets
  // `context_full`.
  struct Step {
    quern_event event{};
    bool context_full = false;
    std::optional<Error> error;
  };
  Step next();
  Result<> cancel();
  void close() override;

 private:
  void arm();

  const std::shared_ptr<inference::Model> model_;  // outlives its generation
  std::mutex mutex_;
  std::unique_ptr<inference::Generation> generation_;  // null once closed
  std::vector<inference::Event> events_;
  std::size_t position_ = 0;
};

class EmbeddingObject final : public Pending {
 public:
  static constexpr std::string_view kKind = "embedding";
  EmbeddingObject(std::shared_ptr<inference::Model> model, std::vector<std::string> texts,
                  std::shared_ptr<Bell> bell);
  std::string_view kind() const override { return kKind; }

  // Absent while it is not there. Gives it once; `cancelled` afterwards.
  Result<std::optional<inference::Embeddings>> take();
  void close() override;

 private:
  // Shared with the callback, which may come after this object has gone.
  struct Arrival {
    bool taken = false;
    std::optional<Result<inference::Embeddings>> result;
  };

  const std::shared_ptr<inference::Model> model_;
  const std::shared_ptr<Guarded<Arrival>> arrival_;
  Guarded<std::unique_ptr<inference::Embedding>> embedding_;
};

}  // namespace quern::capi
