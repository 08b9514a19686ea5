// Answers and embeddings, and waiting for both.
#include "base/check.hpp"
#include "capi/boundary.hpp"
#include "capi/objects.hpp"
#include "capi/request.hpp"

#include <algorithm>
#include <chrono>

namespace quern::capi {
namespace {

template <class Request>
inference::Caller caller_of(const Asked<Request>& asked) {
  return {.tenant = kTenant,
          .deadline = asked.longest ? Deadline::in(*asked.longest) : Deadline::never()};
}

Result<quern_answer> begin(const ModelObject& model,
                           Result<std::unique_ptr<inference::Generation>> generation) {
  auto begun = TRY(std::move(generation));
  auto bell = TRY(Bell::create());
  return open_handle(
      std::make_shared<AnswerObject>(model.model(), std::move(begun), std::move(bell)),
      model.engine());
}

Result<std::vector<std::string>> copy_texts(const char* const* texts, const size_t* sizes,
                                            size_t count) {
  if (count == 0) return fail(ErrorKind::invalid_argument, "there is no text to embed");
  TRY(needed(texts, "texts"));
  TRY(needed(sizes, "sizes"));
  std::vector<std::string> copies;
  for (size_t i = 0; i < count; ++i) {
    TRY(needed(texts[i], "texts[" + std::to_string(i) + "]"));
    copies.emplace_back(texts[i], sizes[i]);
  }
  return copies;
}

// Row after row in one piece of memory.
float* copy_vectors(const std::vector<std::vector<float>>& vectors, size_t columns) {
  auto* const copy = static_cast<float*>(allocate_out(vectors.size() * columns * sizeof(float)));
  float* row = copy;
  for (const auto& vector : vectors) row = std::copy_n(vector.begin(), columns, row);
  return copy;
}

}  // namespace
}  // namespace quern::capi

// ---- what quern.h promises -----------------------------------------------------------------

using namespace quern;        // NOLINT(google-build-using-namespace): definitions of C functions
using namespace quern::capi;  // NOLINT(google-build-using-namespace)

quern_status quern_chat(quern_model model, const char* request, size_t size, quern_answer* answer,
                        char** why) {
  if (answer != nullptr) *answer = 0;
  return cross(why, [&]() -> Outcome {
    TRY(needed(request, "request"));
    TRY(needed(answer, "answer"));
    const auto found = TRY(find<ModelObject>(model));
    auto asked = TRY(read_chat_request({request, size}));
    auto caller = caller_of(asked);
    *answer = TRY(begin(*found, found->model()->chat(std::move(asked.request), std::move(caller))));
    return {};
  });
}

quern_status quern_complete(quern_model model, const char* request, size_t size,
                            quern_answer* answer, char** why) {
  if (answer != nullptr) *answer = 0;
  return cross(why, [&]() -> Outcome {
    TRY(needed(request, "request"));
    TRY(needed(answer, "answer"));
    const auto found = TRY(find<ModelObject>(model));
    auto asked = TRY(read_completion_request({request, size}));
    auto caller = caller_of(asked);
    *answer =
        TRY(begin(*found, found->model()->complete(std::move(asked.request), std::move(caller))));
    return {};
  });
}

quern_status quern_answer_next(quern_answer answer, quern_event* event, char** why) {
  if (event != nullptr) *event = {};
  return cross(why, [&]() -> Outcome {
    TRY(needed(event, "event"));
    const auto found = TRY(find<AnswerObject>(answer));
    AnswerObject::Step step = found->next();
    *event = step.event;
    if (!step.error) return {};
    if (step.context_full) return {QUERN_CONTEXT_FULL, step.error->describe()};
    return fail(*std::move(step.error));
  });
}

quern_status quern_answer_cancel(quern_answer answer, char** why) {
  return cross(why, [&]() -> Outcome {
    const auto found = TRY(find<AnswerObject>(answer));
    return found->cancel();
  });
}

quern_status quern_embed(quern_model model, const char* const* texts, const size_t* sizes,
                         size_t count, quern_embedding* embedding, char** why) {
  if (embedding != nullptr) *embedding = 0;
  return cross(why, [&]() -> Outcome {
    TRY(needed(embedding, "embedding"));
    const auto found = TRY(find<ModelObject>(model));
    auto copies = TRY(copy_texts(texts, sizes, count));
    auto bell = TRY(Bell::create());
    *embedding = TRY(open_handle(
        std::make_shared<EmbeddingObject>(found->model(), std::move(copies), std::move(bell)),
        found->engine()));
    return {};
  });
}

quern_status quern_embedding_take(quern_embedding embedding, float** vectors, size_t* rows,
                                  size_t* columns, uint32_t* prompt_tokens, char** why) {
  if (vectors != nullptr) *vectors = nullptr;
  if (rows != nullptr) *rows = 0;
  if (columns != nullptr) *columns = 0;
  if (prompt_tokens != nullptr) *prompt_tokens = 0;
  return cross(why, [&]() -> Outcome {
    TRY(needed(vectors, "vectors"));
    TRY(needed(rows, "rows"));
    TRY(needed(columns, "columns"));
    const auto found = TRY(find<EmbeddingObject>(embedding));
    const auto result = TRY(found->take());
    if (!result) return {};
    CHECK(!result->vectors.empty(), "one vector a text");
    *columns = result->vectors.front().size();
    *rows = result->vectors.size();
    *vectors = copy_vectors(result->vectors, *columns);
    if (prompt_tokens != nullptr) *prompt_tokens = result->prompt_tokens;
    return {};
  });
}

quern_status quern_wait(uint64_t handle, int64_t timeout_ms, char** why) {
  return cross(why, [&]() -> Outcome {
    const auto found = TRY(find<Pending>(handle));
    if (timeout_ms < 0) return found->bell().wait(std::nullopt);
    return found->bell().wait(std::chrono::milliseconds(timeout_ms));
  });
}

quern_status quern_descriptor(uint64_t handle, int* descriptor, char** why) {
  if (descriptor != nullptr) *descriptor = -1;
  return cross(why, [&]() -> Outcome {
    TRY(needed(descriptor, "descriptor"));
    const auto found = TRY(find<Pending>(handle));
    *descriptor = found->bell().descriptor();
    return {};
  });
}

quern_status quern_close(uint64_t handle) {
  return cross(nullptr, [&]() -> Outcome { return close_handle(handle); });
}
