#include "inputs/inputs.hpp"

#include "inputs/makers.hpp"

namespace quern::inputs {

void add_inputs(logs::Makers& makers) {
  makers.inputs["tail"] = make_tail;
  makers.inputs["stdin"] = make_stdin;
  makers.inputs["dummy"] = make_dummy;
  makers.inputs["forward"] = make_forward;
  makers.inputs["http"] = make_http;
  makers.inputs["otlp"] = make_otlp;
  makers.inputs["syslog"] = make_syslog;
}

}  // namespace quern::inputs
