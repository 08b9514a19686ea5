// Tokens that a request has set aside from its instance's account, settled once.
#pragma once

#include "guestapi/account.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace quern::guestapi {

class Reservation {
 public:
  Reservation() = default;
  Reservation(std::shared_ptr<Account> account, std::uint64_t tokens)
      : account_(std::move(account)), tokens_(tokens) {}
  Reservation(Reservation&&) = default;
  Reservation& operator=(Reservation&& other) noexcept {
    settle({});
    account_ = std::move(other.account_);
    tokens_ = other.tokens_;
    return *this;
  }
  ~Reservation() { settle({}); }

  void settle(const inference::Usage& usage) {
    if (const auto account = std::exchange(account_, nullptr)) account->settle(tokens_, usage);
  }

 private:
  std::shared_ptr<Account> account_;
  std::uint64_t tokens_ = 0;
};

}  // namespace quern::guestapi
