// logs: moves records of logs from where they arise to where they are wanted.
//
// For:     the form of records (batch.hpp, record.hpp, msgpack.hpp), what inputs, filters and
//          outputs are (stage.hpp), parsers of text (parser.hpp), native filters
//          (filters.hpp), the buffer of a branch
//          (segments.hpp). See docs/decisions/0022.
// Refuses: what lines mean (mining), models, and in a buffer what the bytes of a frame say.
// Owns:    a Segments owns its folder for as long as it lives.
// Threads: one thread appends to a buffer, one reads from it; a Reader or Writer is of one thread.
// Errors:  resource_exhausted (the buffer or the disk is full), unavailable (somebody else has the
//          folder), corrupt_data (bytes that are no msgpack, a cursor that is none), unsupported
//          (a record too deep for JSON), else what the disk says.
//
//     auto segments = TRY(Segments::open(files, "branch", {.limit = 1_GiB}));
//     TRY(segments->append(frame));
//     TRY(segments->sync());                          // now its sender may be told
//     while (auto next = TRY(segments->next())) deliver(*next);
//     TRY(segments->commit());                        // now it need not be kept any more
#pragma once

#include "logs/batch.hpp"
#include "logs/filters.hpp"
#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/parser.hpp"
#include "logs/record.hpp"
#include "logs/segments.hpp"
#include "logs/stage.hpp"
