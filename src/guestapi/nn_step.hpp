// How a call of WASI-NN stands: over, with a number for the guest and words for the log, or
// pending.
#pragma once

#include "base/result.hpp"
#include "guestapi/nn_abi.hpp"

#include <string>
#include <utility>

namespace quern::guestapi {

NnStatus nn_status(ErrorKind kind);

class [[nodiscard]] NnStep {
 public:
  NnStep() = default;                            // success
  NnStep(NnStatus status, std::string why = {})  // NOLINT(google-explicit-constructor)
      : status_(status), why_(std::move(why)) {}
  NnStep(const Failure& failure)  // NOLINT(google-explicit-constructor): for TRY
      : NnStep(nn_status(failure.value().kind()), failure.value().describe()) {
    denied_ = failure.value().kind() == ErrorKind::permission_denied;
  }
  // The call is asked again once its waker was called.
  static NnStep pending() {
    NnStep step;
    step.pending_ = true;
    return step;
  }

  bool is_pending() const { return pending_; }
  // Over, and well.
  bool succeeded() const { return !pending_ && status_ == NnStatus::success; }
  NnStatus status() const { return status_; }
  const std::string& why() const { return why_; }
  // A grant is missing: not_found to a core module, which has no number for it.
  bool denied() const { return denied_; }

 private:
  NnStatus status_ = NnStatus::success;
  bool pending_ = false;
  bool denied_ = false;
  std::string why_;
};

}  // namespace quern::guestapi
