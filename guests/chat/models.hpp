// GET /v1/models and /v1/models/{id}: the models that this program is granted.
#pragma once

#include "http.hpp"

#include <string_view>

namespace quern::chat {

Response list_models(World& world);

// `id` as it stands in the path, percent-encoded.
Response show_model(World& world, std::string_view id);

}  // namespace quern::chat
