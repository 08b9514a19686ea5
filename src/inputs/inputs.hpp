// inputs: where the records of a pipeline come from.
//
// For:     tail, stdin, forward, http, otlp, syslog and dummy, each a logs::Input
//          (docs/guides/pipelines/inputs.md, docs/decisions/0026).
// Refuses: what a line means: parsers are filters. Delivery: a sender is told, and an offset kept,
//          only when the sink has said that it is on the disk.
// Owns:    each input its sockets, files and threads, from run() until run() returns.
// Threads: run() is one; inputs that listen have one a connection, or a few workers (`threads`).
// Errors:  a peer's are answered and counted, and end nothing but its connection. run() fails when
//          the input itself cannot go on: a port that is taken, a state file that is damaged.
//
//     logs::Makers makers;
//     inputs::add_inputs(makers);
//     auto input = TRY(makers.inputs.at("tail")(settings, world));
//     TRY(input->run(sink, stop));
#pragma once

#include "logs/stage.hpp"

namespace quern::inputs {

void add_inputs(logs::Makers& makers);

}  // namespace quern::inputs
