#include "inference/model_metadata.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace quern::inference {
namespace {

struct Range {
  std::string_view key;  // without the architecture's prefix
  std::int64_t low;
  std::int64_t high;
};
// Wide enough for every published model; a value outside is damage.
constexpr std::array kRanges = {
    Range{"block_count", 1, kMostLayers},
    Range{"context_length", 1, 1LL << 31U},
    Range{"embedding_length", 1, 1 << 18U},
    Range{"feed_forward_length", 0, 1 << 20U},
    Range{"attention.head_count", 0, 4096},
    Range{"attention.head_count_kv", 0, 4096},
    Range{"attention.key_length", 1, 1 << 16U},
    Range{"attention.value_length", 1, 1 << 16U},
    Range{"attention.sliding_window", 0, 1LL << 31U},
    Range{"rope.dimension_count", 0, 1 << 16U},
    Range{"vocab_size", 1, 1 << 24U},
    Range{"expert_count", 0, kMostExperts},
    Range{"expert_used_count", 0, kMostExperts},
    Range{"expert_group_count", 0, kMostExperts},
    Range{"expert_group_used_count", 0, kMostExperts},
    Range{"nextn_predict_layers", 0, kMostLayers},
};

Failure bad(const std::string& key, const std::string& what) {
  return fail(ErrorKind::corrupt_data, "metadata '" + key + "' " + what);
}

Result<> check_range(const Metadata& metadata, const std::string& key, const Range& range) {
  const auto outside = [&](std::int64_t value) { return value < range.low || value > range.high; };
  if (const auto* value = find_number(metadata, key)) {
    if (outside(*value)) return bad(key, "cannot be " + std::to_string(*value));
  } else if (const auto* array = find_array(metadata, key)) {
    for (const std::int64_t each : array->numbers) {
      if (outside(each)) return bad(key, "cannot hold " + std::to_string(each));
    }
  } else if (metadata.contains(key)) {
    return bad(key, "is not a number");
  }
  return {};
}

// A count, 0 where there is none; of a list, one for each layer, the largest.
std::int64_t count_of(const Metadata& metadata, const std::string& key) {
  if (const auto* value = find_number(metadata, key)) return *value;
  std::int64_t most = 0;
  if (const auto* array = find_array(metadata, key)) {
    for (const std::int64_t each : array->numbers) most = std::max(most, each);
  }
  return most;
}

// What llama.cpp demands of counts together.
Result<> check_counts(const Metadata& metadata, const std::string& prefix) {
  const auto count = [&](const char* key) { return count_of(metadata, prefix + key); };
  const std::int64_t layers = count("block_count");
  if (layers > 0 && count("nextn_predict_layers") > layers) {
    return bad(prefix + "nextn_predict_layers", "is more than all layers");
  }
  std::int64_t experts = count("expert_count");
  std::int64_t used = count("expert_used_count");
  // Hunyuan's dense models say that they have one; it is read as none.
  if (prefix.starts_with("hunyuan") && experts <= 1) experts = used = 0;
  if (used > experts || (experts > 0 && used == 0)) {
    return bad(prefix + "expert_used_count",
               "cannot be " + std::to_string(used) + " of " + std::to_string(experts));
  }
  const std::int64_t groups = count("expert_group_count");
  const std::int64_t of_groups = count("expert_group_used_count");
  const bool none = groups == 0 || (groups == 1 && experts > 1);
  const bool some = groups > 1 && groups < experts && experts % groups == 0 && of_groups > 0 &&
                    of_groups < groups;
  if (!none && !some) {
    return bad(prefix + "expert_group_count", "cannot be " + std::to_string(groups));
  }
  return {};
}

// A way of scaling that llama.cpp does not know ends the process inside of it.
Result<> check_scaling(const Metadata& metadata, const std::string& prefix) {
  const std::string key = prefix + "rope.scaling.type";
  const auto* type = find_text(metadata, key);
  if (type == nullptr) return {};
  for (const char* known : {"none", "linear", "yarn", "longrope"}) {
    if (*type == known) return {};
  }
  return fail(ErrorKind::unsupported, "metadata '" + key + "' is of no known kind");
}

Result<> check_floats(const Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    const auto* number = std::get_if<double>(&value);
    if (number != nullptr && !std::isfinite(*number)) return bad(key, "is not a finite number");
  }
  return {};
}

Result<> check_vocabulary(const Metadata& metadata) {
  const auto* model = find_text(metadata, "tokenizer.ggml.model");
  if (model == nullptr) {
    return fail(ErrorKind::unsupported, "metadata 'tokenizer.ggml.model' is missing");
  }
  const auto* tokens = find_array(metadata, "tokenizer.ggml.tokens");
  if (tokens == nullptr || !tokens->is_text || tokens->count == 0) {
    return bad("tokenizer.ggml.tokens", "is not a list of texts");
  }
  for (const char* key : {"tokenizer.ggml.scores", "tokenizer.ggml.token_type"}) {
    const auto* table = find_array(metadata, key);
    if (table == nullptr && metadata.contains(key)) return bad(key, "is not a list");
    if (table != nullptr && table->count != tokens->count) {
      return bad(key, "has not one entry per token");
    }
    if (table != nullptr && table->is_text) return bad(key, "is not a list of numbers");
  }
  for (const auto& [key, value] : metadata) {
    if (!key.starts_with("tokenizer.ggml.") || !key.ends_with("_token_id")) continue;
    const auto* token = std::get_if<std::int64_t>(&value);
    if (token == nullptr) return bad(key, "is not a number");
    const auto none = std::int64_t{0xFFFFFFFF};  // how some files say that there is no such token
    if (*token != none && *token != -1 &&
        (*token < 0 || static_cast<std::uint64_t>(*token) >= tokens->count)) {
      return bad(key, "names a token that is not in the vocabulary");
    }
  }
  return {};
}

}  // namespace

const std::int64_t* find_number(const Metadata& metadata, std::string_view key) {
  const auto at = metadata.find(key);
  return at == metadata.end() ? nullptr : std::get_if<std::int64_t>(&at->second);
}

const std::string* find_text(const Metadata& metadata, std::string_view key) {
  const auto at = metadata.find(key);
  return at == metadata.end() ? nullptr : std::get_if<std::string>(&at->second);
}

const MetadataArray* find_array(const Metadata& metadata, std::string_view key) {
  const auto at = metadata.find(key);
  return at == metadata.end() ? nullptr : std::get_if<MetadataArray>(&at->second);
}

Result<> check_metadata(const Metadata& metadata) {
  const auto* architecture = find_text(metadata, "general.architecture");
  if (architecture == nullptr || architecture->empty()) {
    return fail(ErrorKind::unsupported, "metadata 'general.architecture' is missing");
  }
  if (metadata.contains("split.count") && find_number(metadata, "split.count") != nullptr &&
      *find_number(metadata, "split.count") > 1) {
    return fail(ErrorKind::unsupported, "it is one part of a model in several files");
  }
  TRY(check_floats(metadata));
  for (const Range& range : kRanges) {
    TRY(check_range(metadata, *architecture + "." + std::string(range.key), range));
  }
  TRY(check_counts(metadata, *architecture + "."));
  TRY(check_scaling(metadata, *architecture + "."));
  return check_vocabulary(metadata);
}

}  // namespace quern::inference
