// Weights with a pack's card: another name, and a system text before every conversation.
#pragma once

#include "inference/inference.hpp"

#include "package/package.hpp"

#include <memory>

namespace quern::loader {

// What guests/model does for guests, for those who call the engine themselves.
std::shared_ptr<inference::Model> with_card(std::shared_ptr<inference::Model> weights,
                                            const package::ModelCard& card);

}  // namespace quern::loader
