// Filters that need nothing but the records: parse, multiline, grep, modify, throttle, dedupe,
// sample, rewrite_tag, mask (docs/guides/pipelines/parsers-and-filters.md).
//
// All of them keep records in order. What waits in parse (pieces of a line) and multiline is in
// memory alone: oldest_waiting() tells, so that a pipeline acknowledges nothing that is only here.
#pragma once

#include "logs/parser.hpp"
#include "logs/stage.hpp"

#include <memory>

namespace quern::logs {

// `parsers` are those that filters may name.
void add_filters(Makers& makers, std::shared_ptr<const Parsers> parsers);

}  // namespace quern::logs
