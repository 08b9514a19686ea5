// outputs: gives records to who wants them.
//
// For:     null, stdout, file, http, otlp, loki, elasticsearch, webhook and forward as
//          logs::Output (docs/guides/pipelines/outputs.md, docs/decisions/0027).
// Refuses: buffers, retries and dead letters, which are the pipeline's; queries; metrics, traces.
// Owns:    an output its files and its connection.
// Threads: none; all of an output runs in the one thread that calls it.
// Errors:  as logs/stage.hpp says: unavailable (come again later), resource_exhausted (the disk is
//          full), cancelled (stopped while it waited), else the batch is dead. What a peer refused
//          is in the answer with its reason.
//
//     logs::Makers makers;
//     outputs::add_outputs(makers);
//     auto output = TRY(makers.outputs.find("file")->second(settings, world));
//     const Batch dead = TRY(output->deliver(batch, stop));
#pragma once

#include "logs/stage.hpp"

namespace quern::outputs {

void add_outputs(logs::Makers& makers);

}  // namespace quern::outputs
