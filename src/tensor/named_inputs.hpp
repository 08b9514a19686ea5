// What a graph of any library checks of the tensors that it is given and gives.
#pragma once

#include "tensor/tensor.hpp"

namespace quern::tensor {

bool holds(const std::vector<std::string>& names, std::string_view name);

// Ok when each of `names` is given once, and nothing else. invalid_argument, naming the input.
Result<> check_names(const std::vector<std::string>& given, const std::vector<std::string>& names);

// Counts a further output of `bytes` against what is left of `most`; resource_exhausted.
Result<> count_output(std::uint64_t bytes, Bytes most, std::uint64_t& left);

}  // namespace quern::tensor
