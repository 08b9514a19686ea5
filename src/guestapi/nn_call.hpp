// What a back-end of WASI-NN needs of the call it works on, whether a core module or a component
// made it.
#pragma once

#include <functional>
#include <string_view>

namespace quern::guestapi {

class NnCall {
 public:
  virtual ~NnCall() = default;
  // Has the step that said `pending` asked again, once; from any thread, also after the instance is
  // gone.
  virtual std::function<void()> waker() = 0;
  // On the guest's own stdout.
  virtual void print(std::string_view text) = 0;
};

}  // namespace quern::guestapi
