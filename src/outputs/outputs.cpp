#include "outputs/outputs.hpp"

#include "outputs/makers.hpp"

namespace quern::outputs {

void add_outputs(logs::Makers& makers) {
  makers.outputs.emplace("null", make_null);
  makers.outputs.emplace("stdout", make_stdout);
  makers.outputs.emplace("file", make_file);
  makers.outputs.emplace("http", make_http);
  makers.outputs.emplace("otlp", make_otlp);
  makers.outputs.emplace("loki", make_loki);
  makers.outputs.emplace("elasticsearch", make_elasticsearch);
  makers.outputs.emplace("webhook", make_webhook);
  makers.outputs.emplace("forward", make_forward);
}

}  // namespace quern::outputs
