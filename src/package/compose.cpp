// Makes one component of an app and its model.
//
// The whole imports what both need from outside, holds both as they are, and wires them:
//
//     (component
//       (import "quern:llm/types" ...) (import "quern:llm/inference" ...)     what the model needs
//       (component $model ...)  (instance $m (instantiate $model ...))
//       (alias export $m "quern:llm/inference")
//       (import "wasi:http/types" ...)                                        what the app needs
//       (component $app ...)    (instance $a (instantiate $app (with "quern:llm/inference" ...)))
//       (alias export $a ...)   (export ...))
//
// The imports of a component that wit-component made are its first sections: types, imports and
// aliases of types. They are copied with their indices moved. An import that is there already is
// not imported again: the model comes first, and guests/model imports every function of the
// interfaces that it shares with apps, so that its instance of one fits every app's (an instance
// may offer more than is asked of it). Whether all fits together the engine says, which validates.
//
// https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
#include "base/text.hpp"

#include "package/package.hpp"
#include "package/type_copy.hpp"
#include "package/wasm_binary.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace quern::package {
namespace {

constexpr std::size_t kLongestTold = 200;

// A thing that a component inside is given or gives, and its index in the whole.
struct Wire {
  std::string name;
  std::uint32_t instance = 0;
};

// "wasi:io/poll@0.2": all releases of one such line are met by the same interface, as the engine's
// linker has it. Of 0.x versions x counts, of later ones the first number.
std::string line_of(const std::string& name) {
  const std::size_t at = name.find('@');
  if (at == std::string::npos) return name;
  const std::size_t dot = name.find('.', at);
  const bool is_zero = name.compare(at, 3, "@0.") == 0;
  return name.substr(0, is_zero && dot != std::string::npos ? name.find('.', dot + 1) : dot);
}

// The sections of a component up to the first that is neither type, import nor alias.
struct Beginning {
  std::vector<Section> sections;
};

Result<Beginning> beginning(ByteView component) {
  WasmReader in(component);
  if (TRY(read_preamble(in)) != WasmKind::component) {
    return fail(ErrorKind::invalid_argument, "it is a module and no component");
  }
  Beginning found;
  bool over = false;
  while (const std::optional<Section> section = TRY(next_section(in))) {
    if (section->id == section::kCustom) continue;
    const bool belongs = section->id == section::kType || section->id == section::kImport ||
                         section->id == section::kAlias;
    over = over || !belongs;
    if (over && section->id == section::kImport) {
      return fail(ErrorKind::unsupported, "its imports do not stand at its beginning");
    }
    if (!over) found.sections.push_back(*section);
  }
  return found;
}

// The component that is being written.
class Whole {
 public:
  Whole() { out_.raw(component_preamble()); }

  // Takes over a component's imports; what it must be instantiated with.
  Result<std::vector<Wire>> import_for(ByteView component) {
    Local local;
    for (const Section& section : TRY(beginning(component)).sections) {
      WasmReader in(section.body);
      for (std::uint32_t left = TRY(in.count()); left > 0; --left) {
        if (section.id == section::kType) TRY(copy_type(in, local));
        if (section.id == section::kImport) TRY(copy_import(in, local));
        if (section.id == section::kAlias) TRY(copy_alias(in, local));
      }
    }
    return std::move(local.wires);
  }

  // Puts it inside and makes an instance of it.
  std::uint32_t instantiate(ByteView component, const std::vector<Wire>& wires) {
    out_.byte(section::kComponent).block(component);
    WasmWriter body;
    body.u32(1).byte(0).u32(components_++).u32(static_cast<std::uint32_t>(wires.size()));
    for (const Wire& wire : wires) {
      body.name(wire.name).byte(sort::kInstance).u32(wire.instance);
    }
    out_.section(section::kInstance, body);
    return instances_++;
  }

  // From now on the instance's export is what an import of this name gets.
  void offer(std::uint32_t instance, const std::string& name) {
    alias(sort::kInstance, instance, name);
    here_[line_of(name)] = instances_++;
  }

  // Everything that the component exports, from this instance of it.
  Result<> export_all(ByteView component, std::uint32_t instance) {
    WasmReader in(component);
    TRY(read_preamble(in));
    WasmWriter list;
    std::uint32_t count = 0;
    while (const std::optional<Section> section = TRY(next_section(in))) {
      if (section->id != section::kExport) continue;
      WasmReader exports(section->body);
      for (std::uint32_t left = TRY(exports.count()); left > 0; --left, ++count) {
        TRY(copy_export(exports, instance, list));
      }
    }
    WasmWriter body;
    body.u32(count).raw(list.bytes());
    out_.section(section::kExport, body);
    return {};
  }

  Buffer take() { return out_.take(); }

 private:
  // Index spaces of the component that is copied from.
  struct Local {
    std::vector<std::uint32_t> types;
    std::vector<std::uint32_t> instances;
    std::vector<Wire> wires;
  };

  Result<> copy_type(WasmReader& in, Local& local) {
    WasmWriter body;
    body.u32(1);
    TRY(TypeCopy(in, body, local.types).definition());
    out_.section(section::kType, body);
    local.types.push_back(types_++);
    return {};
  }

  Result<> copy_import(WasmReader& in, Local& local) {
    const std::string name(TRY(read_extern_name(in)));
    if (TRY(in.byte()) != sort::kInstance) {
      return fail(ErrorKind::unsupported,
                  "it imports \"" + printable(name, kLongestTold) + "\", which is no interface");
    }
    const std::uint32_t type = TRY(in.u32());
    if (type >= local.types.size()) return in.bad("a type that is not there");
    const auto [place, is_new] = here_.try_emplace(line_of(name), instances_);
    if (is_new) {
      WasmWriter body;
      body.u32(1).byte(0).name(name).byte(sort::kInstance).u32(local.types[type]);
      out_.section(section::kImport, body);
      ++instances_;
    }
    local.instances.push_back(place->second);
    local.wires.push_back({name, place->second});
    return {};
  }

  Result<> copy_alias(WasmReader& in, Local& local) {
    const std::uint8_t what = TRY(in.byte());
    if (what != sort::kType || TRY(in.byte()) != 0) {
      return fail(ErrorKind::unsupported, "it has an alias of a form that cannot be put together");
    }
    const std::uint32_t instance = TRY(in.u32());
    const std::string_view name = TRY(in.name());
    if (instance >= local.instances.size()) return in.bad("an instance that is not there");
    alias(sort::kType, local.instances[instance], name);
    local.types.push_back(types_++);
    return {};
  }

  Result<> copy_export(WasmReader& in, std::uint32_t instance, WasmWriter& list) {
    const std::string name(TRY(read_extern_name(in)));
    const std::uint8_t what = TRY(in.byte());
    TRY(in.u32());
    if (what != sort::kInstance && what != sort::kFunction) {
      return fail(ErrorKind::unsupported, "it exports \"" + printable(name, kLongestTold) +
                                              "\", which is neither interface nor function");
    }
    if (TRY(in.byte()) == 1) {  // a type that is written out; the instance has it as well
      TRY(in.byte());
      TRY(in.u32());
    }
    alias(what, instance, name);
    list.byte(0).name(name).byte(what);
    list.u32(what == sort::kInstance ? instances_++ : functions_++).byte(0);
    return {};
  }

  void alias(std::uint8_t what, std::uint32_t instance, std::string_view name) {
    WasmWriter body;
    body.u32(1).byte(what).byte(0).u32(instance).name(name);
    out_.section(section::kAlias, body);
  }

  WasmWriter out_;
  std::uint32_t types_ = 0;
  std::uint32_t instances_ = 0;
  std::uint32_t components_ = 0;
  std::uint32_t functions_ = 0;
  std::map<std::string, std::uint32_t> here_;  // interfaces by their line
};

std::string inference_of(const Outline& model) {
  return *std::ranges::find_if(model.exports, [](const std::string& name) {
    return name.starts_with("quern:llm/inference@");
  });
}

// One sandbox holds both: what the app is granted, its model could use as well. So a model may ask
// for models, time and chance, and for nothing that is granted.
Result<> check_modest(const Outline& model) {
  for (const std::string& name : model.imports) {
    const auto is = [&](std::string_view beginning) { return name.starts_with(beginning); };
    if (is("quern:llm/") || is("wasi:io/") || is("wasi:clocks/") || is("wasi:random/")) continue;
    return fail(ErrorKind::permission_denied,
                "the model imports " + printable(name, kLongestTold) +
                    ": it would share in what the app is granted, and a model has no need of that");
  }
  return {};
}

}  // namespace

Result<Buffer> compose(const Composition& parts) {
  const Outline app = TRY(outline(parts.app).context("the app"));
  const Outline model = TRY(outline(parts.model).context("the model"));
  if (!is_model(model)) {
    return fail(ErrorKind::invalid_argument,
                "the model exports no quern:llm/inference: it is not made by quern pack");
  }
  if (!uses_models(app)) {
    return fail(ErrorKind::invalid_argument,
                "the app imports no quern:llm/inference: it uses no model");
  }
  TRY(check_modest(model));
  Whole whole;
  const auto needed = TRY(whole.import_for(parts.model).context("the model"));
  const std::uint32_t inner = whole.instantiate(parts.model, needed);
  whole.offer(inner, inference_of(model));
  const auto asked = TRY(whole.import_for(parts.app).context("the app"));
  const std::uint32_t outer = whole.instantiate(parts.app, asked);
  TRY(whole.export_all(parts.app, outer).context("the app"));
  return whole.take();
}

}  // namespace quern::package
