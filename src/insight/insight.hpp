// insight: the model in the stream of logs, at a price one can pay.
//
// For:     the filter `templates`: each record is told which template its line has.
// Refuses: anything that a record waits for longer than its options allow.
// Owns:    a filter owns its state folder: what it learned outlives the program.
// Threads: apply() of several threads at once, as logs::Filter says.
// Errors:  those of the disk when a filter is made, corrupt_data (a state that is none).
//
//     logs::Makers makers;
//     insight::add_filters(makers);        // [[filter]] type = "templates"
#pragma once

#include "logs/stage.hpp"

namespace quern::insight {

void add_filters(logs::Makers& makers);

}  // namespace quern::insight
