#include "outputs/outputs.hpp"

#include "outputs/makers.hpp"

namespace quern::outputs {

void add_outputs(logs::Makers& makers) {
  makers.outputs.emplace("null", make_null);
  makers.outputs.emplace("stdout", make_stdout);
  makers.outputs.emplace("file", make_file);
  makers.outputs.emplace("http", make_http);
}

}  // namespace quern::outputs
