#include "insight/insight.hpp"
#include "insight/templates_filter.hpp"

namespace quern::insight {

void add_filters(logs::Makers& makers) { makers.filters["templates"] = TemplatesFilter::make; }

}  // namespace quern::insight
