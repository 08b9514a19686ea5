// What a file of WebAssembly says of itself: its imports, exports and the cards of models in it.
// Nothing is validated beyond what is read; whoever runs it has it validated by the engine.
#include "package/model_card.hpp"
#include "package/package.hpp"
#include "package/wasm_binary.hpp"

#include <algorithm>

namespace quern::package {
namespace {

constexpr int kDeepest = 16;
constexpr std::size_t kMostCards = 64;
constexpr std::size_t kMostNames = 65'536;  // imports and exports together
constexpr std::uint8_t kModuleImports = 2;
constexpr std::uint8_t kModuleExports = 7;

// The value that a heap or number type takes in an import; only its length matters here.
Result<> skip_value_type(WasmReader& in) {
  const std::uint8_t type = TRY(in.byte());
  if (type == 0x63 || type == 0x64) TRY(in.s33());  // (ref null? heap-type)
  return {};
}

Result<> skip_limits(WasmReader& in) {
  const std::uint8_t flags = TRY(in.byte());
  const auto number = [&]() -> Result<> {
    while ((TRY(in.byte()) & 0x80U) != 0) {
    }
    return {};
  };
  TRY(number());
  if ((flags & 1U) != 0) TRY(number());
  if ((flags & 8U) != 0) TRY(number());  // page size
  return {};
}

Result<> skip_import_type(WasmReader& in) {
  switch (TRY(in.byte())) {
    case 0: TRY(in.u32()); return {};
    case 1: TRY(skip_value_type(in)); return skip_limits(in);
    case 2: return skip_limits(in);
    case 3:
      TRY(skip_value_type(in));
      TRY(in.byte());
      return {};
    case 4:
      TRY(in.byte());
      TRY(in.u32());
      return {};
    default: return in.bad("an import of an unknown kind");
  }
}

// How many imports or exports follow.
Result<std::uint32_t> names_to_come(WasmReader& in, const Outline& outline) {
  const std::uint32_t count = TRY(in.count());
  if (count > kMostNames - outline.imports.size() - outline.exports.size()) {
    return in.bad("more than 65536 imports and exports");
  }
  return count;
}

Result<> read_module(const Section& section, Outline& outline) {
  WasmReader in(section.body);
  if (section.id == kModuleImports) {
    for (std::uint32_t left = TRY(names_to_come(in, outline)); left > 0; --left) {
      const std::string_view module = TRY(in.name());
      const std::string_view field = TRY(in.name());
      TRY(skip_import_type(in));
      outline.imports.push_back(std::string(module) + "." + std::string(field));
    }
  }
  if (section.id == kModuleExports) {
    for (std::uint32_t left = TRY(names_to_come(in, outline)); left > 0; --left) {
      outline.exports.emplace_back(TRY(in.name()));
      TRY(in.byte());
      TRY(in.u32());
    }
  }
  return {};
}

Result<> skip_bound(WasmReader& in) {
  if (TRY(in.byte()) == 0) TRY(in.u32());
  return {};
}

Result<> skip_extern_type(WasmReader& in) {
  switch (TRY(in.byte())) {
    case 0:
      TRY(in.byte());
      TRY(in.u32());
      return {};
    case 1:
    case 4:
    case 5: TRY(in.u32()); return {};
    case 2:
      if (TRY(in.byte()) == 0) {
        TRY(in.u32());
      } else {
        TRY(in.s33());
      }
      return {};
    case 3: return skip_bound(in);
    default: return in.bad("an import or export of an unknown kind");
  }
}

Result<> read_component_imports(WasmReader in, Outline& outline) {
  for (std::uint32_t left = TRY(names_to_come(in, outline)); left > 0; --left) {
    outline.imports.emplace_back(TRY(read_extern_name(in)));
    TRY(skip_extern_type(in));
  }
  return {};
}

Result<> read_component_exports(WasmReader in, Outline& outline) {
  for (std::uint32_t left = TRY(names_to_come(in, outline)); left > 0; --left) {
    outline.exports.emplace_back(TRY(read_extern_name(in)));
    if (TRY(in.byte()) == sort::kCore) TRY(in.byte());
    TRY(in.u32());
    if (TRY(in.byte()) == 1) TRY(skip_extern_type(in));
  }
  return {};
}

Result<> read_cards(ByteView wasm, int depth, std::vector<ModelCard>& cards) {
  if (depth > kDeepest) return fail(ErrorKind::corrupt_data, "components in components, 16 deep");
  WasmReader in(wasm);
  if (TRY(read_preamble(in)) != WasmKind::component) return {};
  while (const std::optional<Section> section = TRY(next_section(in))) {
    if (section->id == section::kComponent) TRY(read_cards(section->body, depth + 1, cards));
    if (section->id != section::kCustom) continue;
    WasmReader note(section->body);
    if (TRY(note.name()) != kCardSection) continue;
    if (cards.size() == kMostCards) return fail(ErrorKind::corrupt_data, "too many models in it");
    cards.push_back(TRY(card_from_json(as_text(note.rest()))));
  }
  return {};
}

}  // namespace

Result<Outline> outline(ByteView wasm) {
  WasmReader in(wasm);
  Outline found;
  const WasmKind kind = TRY(read_preamble(in));
  found.kind = kind == WasmKind::module ? Outline::Kind::module : Outline::Kind::component;
  while (const std::optional<Section> section = TRY(next_section(in))) {
    if (kind == WasmKind::module) {
      TRY(read_module(*section, found));
    } else if (section->id == section::kImport) {
      TRY(read_component_imports(WasmReader(section->body), found));
    } else if (section->id == section::kExport) {
      TRY(read_component_exports(WasmReader(section->body), found));
    }
  }
  TRY(read_cards(wasm, 0, found.cards));
  return found;
}

namespace {
// 0.1.1 would be met by 0.1.0's host as well.
bool is_inference(const std::string& name) { return name.starts_with("quern:llm/inference@0.1."); }
}  // namespace

bool is_model(const Outline& outline) { return std::ranges::any_of(outline.exports, is_inference); }
bool uses_models(const Outline& outline) {
  return std::ranges::any_of(outline.imports, is_inference);
}

}  // namespace quern::package
