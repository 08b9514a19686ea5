// What Elasticsearch and OpenSearch say of each document of a bulk.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quern::outputs {

struct BulkItem {
  std::uint16_t status = 0;
  std::string reason;  // "mapper_parsing_exception: failed to parse"; empty: none
};

// In the order of the request. corrupt_data: it is no answer to a bulk.
Result<std::vector<BulkItem>> read_bulk_answer(std::string_view json);

}  // namespace quern::outputs
