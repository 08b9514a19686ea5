#include "package/model_card.hpp"

#include "base/sha256.hpp"
#include "base/text.hpp"

#include "package/card_layout.hpp"
#include "package/wasm_binary.hpp"
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

namespace quern::package {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestName = 128;
constexpr std::size_t kLongestWord = 256;
constexpr std::size_t kMostAdapters = 16;
// Of a card as JSON: what pack() writes fits, a system text of nothing but escapes too.
constexpr Bytes kLargestCard = 256_KiB;

bool is_name(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/';
  };
  return !text.empty() && text.size() <= kLongestName && std::ranges::all_of(text, plain) &&
         text.front() != '/' && text.back() != '/' && text.find("..") == std::string_view::npos;
}

// Words that are shown on terminals.
bool is_word(const std::string& text) { return printable(text, kLongestWord) == text; }

Result<> check(const Weights& weights) {
  if (!is_digest(weights.digest) || weights.size.count == 0) {
    return fail(ErrorKind::invalid_argument, "the weights have no digest or no size");
  }
  if (!is_word(weights.name) || !is_word(weights.licence)) {
    return fail(ErrorKind::invalid_argument,
                "the weights' name or licence is over 256 bytes, or is no plain text");
  }
  return {};
}

Result<> check(const ModelCard& card) {
  if (!is_name(card.name) || card.name == "default") {
    return fail(ErrorKind::invalid_argument,
                "\"" + printable(card.name, kLongestName) +
                    "\" is no name for a model: letters, digits, \".\", \"_\", \"-\" and \"/\", "
                    "at most 128");
  }
  TRY(check(card.weights));
  if (card.adapters.size() > kMostAdapters) {
    return fail(ErrorKind::invalid_argument, "more than 16 adapters");
  }
  for (const Adapter& adapter : card.adapters) {
    TRY(check(adapter.file));
    if (!std::isfinite(adapter.scale) || adapter.scale == 0) {
      return fail(ErrorKind::invalid_argument, "an adapter's scale is no number, or 0");
    }
  }
  if (!is_utf8(card.system)) {
    return fail(ErrorKind::invalid_argument, "the system text is not UTF-8");
  }
  const std::size_t text = card.name.size() + model_digest(card).size() + card.system.size();
  if (text > kCardText) {
    return fail(ErrorKind::invalid_argument, "the system text has " + to_string(Bytes{text}) +
                                                 "; at most " + to_string(Bytes{kCardText}) +
                                                 " fit");
  }
  return {};
}

void put(Buffer& to, std::size_t at, std::string_view text) {
  const ByteView bytes = as_bytes(text);
  std::copy(bytes.begin(), bytes.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
}

void put(Buffer& to, std::size_t at, std::size_t number) {
  for (unsigned i = 0; i < 4; ++i) {
    to[at + i] = static_cast<std::byte>((number >> (8 * i)) & 0xffU);
  }
}

// The card at its place in the guest's data.
void fill(Buffer& guest, std::size_t at, const ModelCard& card) {
  const std::string digest = model_digest(card);
  const std::size_t sizes = at + offsetof(CardLayout, name_bytes);
  put(guest, sizes, card.name.size());
  put(guest, sizes + 4, digest.size());
  put(guest, sizes + 8, card.system.size());
  put(guest, at + offsetof(CardLayout, text), card.name + digest + card.system);
}

// The place for the card in the guest's data; it must be there once.
Result<std::size_t> find_place(ByteView guest) {
  const std::string_view text = as_text(guest);
  const std::size_t at = text.find(kCardMark);
  const bool once = at != std::string_view::npos &&
                    text.find(kCardMark, at + 1) == std::string_view::npos &&
                    guest.size() - at >= sizeof(CardLayout);
  if (once) return at;
  return fail(ErrorKind::corrupt_data, "this is no component that a model can be packed into");
}

Json file_to_json(const Weights& file) {
  return {{"digest", file.digest},
          {"size", file.size.count},
          {"name", file.name},
          {"licence", file.licence}};
}

// Throws what the library throws.
Weights file_from_json(const Json& file) {
  return {.digest = file.at("digest").get<std::string>(),
          .size = Bytes{file.at("size").get<std::uint64_t>()},
          .name = file.at("name").get<std::string>(),
          .licence = file.at("licence").get<std::string>()};
}

}  // namespace

std::string to_string(const Adapter& adapter) {
  std::array<char, 32> scale{};
  const auto end = std::to_chars(scale.data(), scale.data() + scale.size(), adapter.scale);
  return adapter.file.digest + "=" + std::string(scale.data(), end.ptr);
}

std::string model_digest(std::string_view weights, const std::vector<Adapter>& adapters) {
  std::string all(weights);
  if (adapters.empty()) return all;
  for (const Adapter& adapter : adapters) all += "\n" + to_string(adapter);
  return sha256(as_bytes(all));
}

std::string model_digest(const ModelCard& card) {
  return model_digest(card.weights.digest, card.adapters);
}

std::vector<Weights> files_of(const ModelCard& card) {
  std::vector<Weights> files{card.weights};
  for (const Adapter& adapter : card.adapters) files.push_back(adapter.file);
  return files;
}

std::string card_to_json(const ModelCard& card) {
  Json json = {
      {"name", card.name}, {"system", card.system}, {"weights", file_to_json(card.weights)}};
  for (const Adapter& adapter : card.adapters) {
    Json file = file_to_json(adapter.file);
    file["scale"] = adapter.scale;
    json["adapters"].push_back(std::move(file));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ModelCard> card_from_json(std::string_view text) {
  if (text.size() > kLargestCard.count) {
    return fail(ErrorKind::corrupt_data, "a model's card: more than " + to_string(kLargestCard));
  }
  ModelCard card;
  try {
    const Json json = Json::parse(text);
    card = {.name = json.at("name").get<std::string>(),
            .system = json.at("system").get<std::string>(),
            .weights = file_from_json(json.at("weights")),
            .adapters = {}};
    for (const Json& adapter : json.value("adapters", Json::array())) {
      card.adapters.push_back(
          {.file = file_from_json(adapter), .scale = adapter.at("scale").get<float>()});
    }
  } catch (const Json::exception& problem) {
    return fail(ErrorKind::corrupt_data,
                "a model's card: " + printable(problem.what(), kLongestWord));
  }
  const Result<> fine = check(card);
  if (!fine.ok()) return fail(ErrorKind::corrupt_data, "a model's card: " + fine.error().message());
  return card;
}

Result<Buffer> pack(ByteView guest, const ModelCard& card) {
  TRY(check(card));
  const std::size_t at = TRY(find_place(guest));
  Buffer filled(guest.begin(), guest.end());
  fill(filled, at, card);
  WasmWriter note;
  note.name(kCardSection).raw(as_bytes(card_to_json(card)));
  WasmWriter out;
  out.raw(filled).section(section::kCustom, note);
  return out.take();
}

bool is_plain_pack(ByteView wasm, const ModelCard& card) {
  const auto at = find_place(wasm);
  if (!at.ok()) return false;
  Buffer filled(wasm.begin(), wasm.end());
  fill(filled, *at, card);
  return std::ranges::equal(filled, wasm);
}

}  // namespace quern::package
