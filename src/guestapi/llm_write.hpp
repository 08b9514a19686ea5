// Results of quern:llm calls, from inference's types to the bridge's flat encoding.
#pragma once

#include "inference/inference.hpp"
#include "wasm/host.hpp"

#include <string_view>
#include <vector>

namespace quern::guestapi {

void write_events(wasm::ValueWriter& out, const std::vector<inference::Event>& events);
// `name`: the one it was granted under.
void write_model_info(wasm::ValueWriter& out, const inference::ModelInfo& info,
                      std::string_view name);
void write_embeddings(wasm::ValueWriter& out, const inference::Embeddings& embeddings);

}  // namespace quern::guestapi
