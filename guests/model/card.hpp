// What `quern pack` wrote into this component.
#pragma once

#include <string_view>

namespace quern::model {

// Views of the component's own data; valid always.
std::string_view card_name();
std::string_view card_digest();
std::string_view card_system();

}  // namespace quern::model
