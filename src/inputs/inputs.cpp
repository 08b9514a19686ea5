#include "inputs/inputs.hpp"

#include "inputs/makers.hpp"

namespace quern::inputs {

void add_inputs(logs::Makers& makers) {
  makers.inputs["tail"] = make_tail;
  makers.inputs["stdin"] = make_stdin;
  makers.inputs["dummy"] = make_dummy;
}

}  // namespace quern::inputs
