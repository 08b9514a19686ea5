// Vectors for a guest's texts: checked, within its budget, cancelled with its instance. The one way
// of every interface that embeds.
#pragma once

#include "guestapi/guest_instance.hpp"
#include "guestapi/llm_error.hpp"
#include "guestapi/model_work.hpp"
#include "inference/inference.hpp"
#include "wasm/host.hpp"

#include <memory>
#include <string>
#include <vector>

namespace quern::guestapi {

// Answers `call`, now or later, with result<embeddings, E>; `write_error` writes the E. What can be
// said at once is returned as an error.
Result<> embed_texts(GuestInstance& guest, const std::shared_ptr<wasm::HostCall>& call,
                     ModelWork& work, const std::shared_ptr<inference::Model>& model,
                     std::vector<std::string> texts, WriteError write_error);

}  // namespace quern::guestapi
