// The makers behind `[[output]] type =`. Of this room alone.
#pragma once

#include "logs/stage.hpp"

#include <memory>

namespace quern::outputs {

using Made = Result<std::unique_ptr<logs::Output>>;

Made make_null(Settings& settings, const logs::StageWorld& world);
Made make_stdout(Settings& settings, const logs::StageWorld& world);
Made make_file(Settings& settings, const logs::StageWorld& world);
Made make_http(Settings& settings, const logs::StageWorld& world);
Made make_otlp(Settings& settings, const logs::StageWorld& world);
Made make_loki(Settings& settings, const logs::StageWorld& world);
Made make_elasticsearch(Settings& settings, const logs::StageWorld& world);
Made make_webhook(Settings& settings, const logs::StageWorld& world);
Made make_forward(Settings& settings, const logs::StageWorld& world);

}  // namespace quern::outputs
