// The makers of this room, one a file.
#pragma once

#include "logs/stage.hpp"

namespace quern::inputs {

using MadeInput = Result<std::unique_ptr<logs::Input>>;

MadeInput make_tail(Settings& settings, const logs::StageWorld& world);
MadeInput make_stdin(Settings& settings, const logs::StageWorld& world);
MadeInput make_dummy(Settings& settings, const logs::StageWorld& world);
MadeInput make_forward(Settings& settings, const logs::StageWorld& world);
MadeInput make_syslog(Settings& settings, const logs::StageWorld& world);
MadeInput make_http(Settings& settings, const logs::StageWorld& world);
MadeInput make_otlp(Settings& settings, const logs::StageWorld& world);

}  // namespace quern::inputs
