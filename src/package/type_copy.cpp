// The grammar followed here is that of `type`, `instancedecl` and `externdesc` in
// https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
#include "package/type_copy.hpp"

namespace quern::package {
namespace {

// Types lie in types in real components two or three deep.
constexpr int kDeepest = 32;

namespace form {
constexpr std::uint8_t kComponent = 0x41;
constexpr std::uint8_t kInstance = 0x42;
constexpr std::uint8_t kFunction = 0x40;
constexpr std::uint8_t kAsyncFunction = 0x43;
constexpr std::uint8_t kRecord = 0x72;
constexpr std::uint8_t kVariant = 0x71;
constexpr std::uint8_t kList = 0x70;
constexpr std::uint8_t kTuple = 0x6f;
constexpr std::uint8_t kFlags = 0x6e;
constexpr std::uint8_t kEnum = 0x6d;
constexpr std::uint8_t kOption = 0x6b;
constexpr std::uint8_t kResult = 0x6a;
constexpr std::uint8_t kOwn = 0x69;
constexpr std::uint8_t kBorrow = 0x68;
constexpr std::uint8_t kStream = 0x66;
constexpr std::uint8_t kFuture = 0x65;
constexpr std::uint8_t kFirstBasic = 0x73;  // string; the others lie above
constexpr std::uint8_t kErrorContext = 0x64;
}  // namespace form

}  // namespace

Result<std::uint8_t> TypeCopy::byte() {
  const std::uint8_t value = TRY(in_.byte());
  out_.byte(value);
  return value;
}

Result<std::uint32_t> TypeCopy::count() {
  const std::uint32_t number = TRY(in_.count());
  out_.u32(number);
  return number;
}

Result<std::uint32_t> TypeCopy::moved(std::uint32_t type, int depth) const {
  if (depth > 0) return type;
  if (type >= types_.size()) return in_.bad("a type that is not there");
  return types_[type];
}

Result<> TypeCopy::index(int depth) {
  const std::uint32_t type = TRY(in_.u32());
  out_.u32(TRY(moved(type, depth)));
  return {};
}

Result<> TypeCopy::value(int depth) {
  const std::int64_t type = TRY(in_.s33());
  if (type < 0) {
    out_.s33(type);
    return {};
  }
  out_.s33(TRY(moved(static_cast<std::uint32_t>(type), depth)));
  return {};
}

Result<> TypeCopy::optional_value(int depth) {
  if (TRY(byte()) == 1) return value(depth);
  return {};
}

Result<> TypeCopy::labelled_values(int depth) {
  for (std::uint32_t left = TRY(count()); left > 0; --left) {
    out_.name(TRY(in_.name()));
    TRY(value(depth));
  }
  return {};
}

Result<> TypeCopy::cases(int depth) {
  for (std::uint32_t left = TRY(count()); left > 0; --left) {
    out_.name(TRY(in_.name()));
    TRY(optional_value(depth));
    TRY(byte());
  }
  return {};
}

Result<> TypeCopy::labels() {
  for (std::uint32_t left = TRY(count()); left > 0; --left) out_.name(TRY(in_.name()));
  return {};
}

Result<> TypeCopy::type(int depth) {
  if (depth > kDeepest) return in_.bad("types in types, too deep");
  const std::uint8_t what = TRY(byte());
  switch (what) {
    case form::kFunction:
    case form::kAsyncFunction: return function(depth);
    case form::kComponent:
    case form::kInstance: return declarations(depth + 1);
    case form::kRecord: return labelled_values(depth);
    case form::kVariant: return cases(depth);
    case form::kTuple:
      for (std::uint32_t left = TRY(count()); left > 0; --left) TRY(value(depth));
      return {};
    case form::kFlags:
    case form::kEnum: return labels();
    case form::kList:
    case form::kOption: return value(depth);
    case form::kResult: TRY(optional_value(depth)); return optional_value(depth);
    case form::kOwn:
    case form::kBorrow: return index(depth);
    case form::kStream:
    case form::kFuture: return optional_value(depth);
    default:
      if ((what >= form::kFirstBasic && what <= 0x7f) || what == form::kErrorContext) return {};
      return fail(ErrorKind::unsupported,
                  "a type of a form (" + std::to_string(what) + ") that cannot be put together");
  }
}

Result<> TypeCopy::function(int depth) {
  TRY(labelled_values(depth));
  if (TRY(byte()) == 0) return value(depth);
  TRY(byte());
  return {};
}

Result<> TypeCopy::declarations(int depth) {
  for (std::uint32_t left = TRY(count()); left > 0; --left) TRY(declaration(depth));
  return {};
}

Result<> TypeCopy::declaration(int depth) {
  switch (TRY(byte())) {
    case 1: return type(depth);
    case 2: return alias(depth);
    case 3:
    case 4: TRY(extern_name()); return extern_type(depth);
    default: return fail(ErrorKind::unsupported, "core types in an interface");
  }
}

Result<> TypeCopy::alias(int depth) {
  const std::uint8_t what = TRY(byte());
  const std::uint8_t target = TRY(byte());
  if (target == 0) {  // an export of an instance that was declared beside it
    out_.u32(TRY(in_.u32()));
    out_.name(TRY(in_.name()));
    return {};
  }
  if (target != 2 || what != sort::kType) {
    return fail(ErrorKind::unsupported, "an alias of a form that cannot be put together");
  }
  const std::uint32_t outward = TRY(in_.u32());
  const std::uint32_t type = TRY(in_.u32());
  if (outward > static_cast<std::uint32_t>(depth)) return in_.bad("an alias beyond the component");
  out_.u32(outward).u32(TRY(moved(type, depth - static_cast<int>(outward))));
  return {};
}

Result<> TypeCopy::extern_name() {
  const std::uint8_t form = TRY(byte());
  if (form > 1) return fail(ErrorKind::unsupported, "a name in a form newer than this program");
  out_.name(TRY(in_.name()));
  return {};
}

Result<> TypeCopy::extern_type(int depth) {
  switch (TRY(byte())) {
    case sort::kFunction:
    case sort::kComponent:
    case sort::kInstance: return index(depth);
    case sort::kType: return TRY(byte()) == 0 ? index(depth) : Result<>();
    default: return fail(ErrorKind::unsupported, "modules or values in an interface");
  }
}

}  // namespace quern::package
