#include "wasm/resident_component.hpp"

#include "wasm/bridge_values.hpp"
#include "wasm/residents.hpp"
#include "wasm/running.hpp"

#include <utility>

namespace quern::wasm {
namespace {

class BridgeComponent final : public ResidentComponent {
 public:
  explicit BridgeComponent(qb_component* component) : handle_(component) {}

  Result<Function> find(std::string_view interface, std::string_view name) override {
    std::uint32_t found = 0;
    TRY(check(qb_component_find(handle_.get(), borrow(interface), borrow(name), &found)));
    return Function{found};
  }

  Result<Buffer> call(Function function, ByteView arguments) override {
    qb_buffer out{};
    TRY(check(qb_component_call(handle_.get(), static_cast<std::uint32_t>(function),
                                borrow(arguments), &out)));
    return take_bytes(out);
  }

 private:
  struct Free {
    void operator()(qb_component* component) const noexcept { qb_component_free(component); }
  };
  std::unique_ptr<qb_component, Free> handle_;
};

}  // namespace

Result<std::unique_ptr<ResidentComponent>> start_component(const qb_linked* linked,
                                                           Sandbox sandbox) {
  SandboxView given = view_of(std::move(sandbox));
  qb_component* component = nullptr;
  TRY(check(qb_component_new(linked, given.give(), &component)));
  return std::make_unique<BridgeComponent>(component);
}

}  // namespace quern::wasm
