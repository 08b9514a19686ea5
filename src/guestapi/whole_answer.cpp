#include "guestapi/whole_answer.hpp"

#include <utility>
#include <variant>

namespace quern::guestapi {

Result<> WholeAnswer::begin(GuestInstance& guest, std::shared_ptr<wasm::HostCall> call,
                            std::unique_ptr<inference::Generation> generation,
                            Reservation reservation, Answer answer) {
  const auto self = std::make_shared<WholeAnswer>(std::move(call), std::move(generation),
                                                  std::move(reservation), std::move(answer));
  self->id_ = TRY(guest.handles.add(self));
  self->listen();
  return {};
}

void WholeAnswer::ended() {
  std::shared_ptr<wasm::HostCall> call;  // freed after the lock
  const std::lock_guard lock(mutex_);
  call = std::move(call_);
}

void WholeAnswer::listen() {
  for (;;) {
    ear_ = Ear::listening;
    if (take()) return;
    generation_->on_ready([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->woken();
    });
    Ear expected = Ear::listening;
    if (ear_.compare_exchange_strong(expected, Ear::armed)) return;
  }
}

void WholeAnswer::woken() {
  if (ear_.exchange(Ear::woken) == Ear::armed) listen();
}

bool WholeAnswer::take() {
  for (;;) {
    const auto events = generation_->read();
    if (!events.ok()) {
      finish(fail(events.error()));
      return true;
    }
    if (events->empty()) return false;
    for (const inference::Event& event : *events) {
      if (const auto* const content = std::get_if<inference::Content>(&event)) {
        text_.text += content->text;
      } else if (const auto* const finished = std::get_if<inference::Finished>(&event)) {
        text_.usage = finished->usage;
        finish(std::move(text_));
        return true;
      }
    }
  }
}

void WholeAnswer::finish(const Result<Text>& result) {
  std::shared_ptr<wasm::HostCall> call;
  {
    const std::lock_guard lock(mutex_);
    call.swap(call_);
  }
  reservation_.settle(generation_->usage());
  if (!call) return;
  dynamic_cast<GuestInstance&>(*call->state()).handles.remove(id_);
  answer_(*call, result);
}

}  // namespace quern::guestapi
