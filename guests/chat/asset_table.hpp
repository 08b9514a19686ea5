// The page's files, put here by embed_assets.py when this program was built.
#pragma once

#include "assets.hpp"

#include <span>

namespace quern::chat {

std::span<const Asset> asset_table();

}  // namespace quern::chat
