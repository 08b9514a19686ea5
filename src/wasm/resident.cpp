#include "wasm/resident.hpp"

#include "wasm/bridge_values.hpp"
#include "wasm/residents.hpp"
#include "wasm/running.hpp"

#include <utility>

namespace quern::wasm {
namespace {

class BridgeResident final : public Resident {
 public:
  BridgeResident(qb_resident* resident, qb_view view) : handle_(resident) { look(view); }

  Result<Function> find(std::string_view name, std::uint32_t parameters, Gives gives) override {
    std::uint32_t found = 0;
    TRY(check(
        qb_resident_find(handle_.get(), borrow(name), parameters, gives == Gives::number, &found)));
    return Function{found};
  }

  Result<std::uint32_t> call(Function function, std::span<const std::uint32_t> arguments) override {
    std::uint32_t result = 0;
    qb_view view{};
    const qb_error error = qb_resident_call(handle_.get(), static_cast<std::uint32_t>(function),
                                            arguments.data(), arguments.size(), &view, &result);
    look(view);
    if (error.kind != 0) return fail(std::move(check(error)).error());
    return result;
  }

  Result<std::uint32_t> grow(std::uint32_t pages) override {
    std::uint32_t begins = 0;
    qb_view view{};
    const Result<> grown = check(qb_resident_grow(handle_.get(), pages, &view, &begins));
    look(view);
    if (!grown.ok()) return fail(grown.error());
    return begins;
  }

  std::span<std::byte> memory() const override { return memory_; }

 private:
  struct Free {
    void operator()(qb_resident* resident) const noexcept { qb_resident_free(resident); }
  };

  void look(qb_view view) { memory_ = {reinterpret_cast<std::byte*>(view.memory), view.size}; }

  std::unique_ptr<qb_resident, Free> handle_;
  std::span<std::byte> memory_;
};

}  // namespace

Result<std::unique_ptr<Resident>> start_resident(const qb_linked* linked, Sandbox sandbox) {
  SandboxView given = view_of(std::move(sandbox));
  qb_resident* resident = nullptr;
  qb_view view{};
  TRY(check(qb_resident_new(linked, given.give(), &view, &resident)));
  return std::make_unique<BridgeResident>(resident, view);
}

}  // namespace quern::wasm
