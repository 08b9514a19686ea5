// logs: moves records of logs from where they arise to where they are wanted, and loses none on the
// way.
//
// For:     what stands between inputs and outputs. Today: the buffer of a branch (segments.hpp).
// The rest of
//          docs/decisions/0022 is not there yet.
// Refuses: what lines mean (mining), models, and what a record's bytes say: a buffer keeps frames.
// Owns:    a Segments owns its folder for as long as it lives.
// Threads: one thread appends, one reads; see segments.hpp.
// Errors:  resource_exhausted (the buffer or the disk is full), unavailable (somebody else has the
// folder),
//          corrupt_data (a cursor that is none), else what the disk says.
//
//     auto segments = TRY(Segments::open(files, "branch", {.limit = 1_GiB}));
//     TRY(segments->append(frame));
//     TRY(segments->sync());                          // now the sender may be told that it is kept
//     while (auto next = TRY(segments->next())) deliver(*next);
//     TRY(segments->commit());                        // and now it need not be kept any more
#pragma once

#include "logs/segments.hpp"
