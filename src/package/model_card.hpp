// The card of a model as it stands in a component: once as data of its code, once as a custom
// section that everybody can read. See docs/formats/package.md.
#pragma once

#include "package/package.hpp"

#include <string>
#include <string_view>

namespace quern::package {

inline constexpr std::string_view kCardSection = "quern-model";

std::string card_to_json(const ModelCard& card);
// corrupt_data: not a card, or one that pack() would refuse.
Result<ModelCard> card_from_json(std::string_view json);

}  // namespace quern::package
