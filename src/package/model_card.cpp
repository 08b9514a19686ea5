#include "package/model_card.hpp"

#include "base/sha256.hpp"
#include "base/text.hpp"

#include "package/card_layout.hpp"
#include "package/wasm_binary.hpp"
#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>

namespace quern::package {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestName = 128;
constexpr std::size_t kLongestWord = 256;
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

Result<> check(const ModelCard& card) {
  if (!is_name(card.name) || card.name == "default") {
    return fail(ErrorKind::invalid_argument,
                "\"" + printable(card.name, kLongestName) +
                    "\" is no name for a model: letters, digits, \".\", \"_\", \"-\" and \"/\", "
                    "at most 128");
  }
  if (!is_digest(card.weights.digest) || card.weights.size.count == 0) {
    return fail(ErrorKind::invalid_argument, "the weights have no digest or no size");
  }
  if (!is_word(card.weights.name) || !is_word(card.weights.licence)) {
    return fail(ErrorKind::invalid_argument,
                "the weights' name or licence is over 256 bytes, or is no plain text");
  }
  if (!is_utf8(card.system)) {
    return fail(ErrorKind::invalid_argument, "the system text is not UTF-8");
  }
  const std::size_t text = card.name.size() + card.weights.digest.size() + card.system.size();
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
  const std::size_t sizes = at + offsetof(CardLayout, name_bytes);
  put(guest, sizes, card.name.size());
  put(guest, sizes + 4, card.weights.digest.size());
  put(guest, sizes + 8, card.system.size());
  put(guest, at + offsetof(CardLayout, text), card.name + card.weights.digest + card.system);
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

}  // namespace

std::string card_to_json(const ModelCard& card) {
  const Json weights = {{"digest", card.weights.digest},
                        {"size", card.weights.size.count},
                        {"name", card.weights.name},
                        {"licence", card.weights.licence}};
  const Json json = {{"name", card.name}, {"system", card.system}, {"weights", weights}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ModelCard> card_from_json(std::string_view text) {
  if (text.size() > kLargestCard.count) {
    return fail(ErrorKind::corrupt_data, "a model's card: more than " + to_string(kLargestCard));
  }
  ModelCard card;
  try {
    const Json json = Json::parse(text);
    const Json& weights = json.at("weights");
    card = {.name = json.at("name").get<std::string>(),
            .system = json.at("system").get<std::string>(),
            .weights = {.digest = weights.at("digest").get<std::string>(),
                        .size = Bytes{weights.at("size").get<std::uint64_t>()},
                        .name = weights.at("name").get<std::string>(),
                        .licence = weights.at("licence").get<std::string>()}};
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
