#include "wasm/test_support.hpp"

namespace quern::wasm::testing {
namespace {

// Reads every part of an `everything` and writes it again.
void echo(std::unique_ptr<HostCall> call) {
  ValueReader in = call->arguments();
  ValueWriter out;
  out.present(true);
  out.boolean(in.boolean()).u8(in.u8()).u32(in.u32()).u64(in.u64());
  out.u32(in.u32());  // negative: s32 has the same bits
  out.u32(in.u32());  // letter
  out.text(in.text());
  out.bytes(in.bytes());
  out.u8(in.u8()).u64(in.u64());
  out.discriminant(in.discriminant());
  out.u32(in.u32());  // permissions: one word
  const std::uint32_t shape = in.discriminant();
  out.discriminant(shape);
  if (shape == 1) out.f32(in.f32());
  if (shape == 2) {
    const std::uint32_t points = in.count();
    out.count(points);
    for (std::uint32_t i = 0; i < points; ++i) {
      out.f32(in.f32()).f64(in.f64());
      const bool labelled = in.present();
      out.present(labelled);
      if (labelled) out.text(in.text());
    }
  }
  const bool fine = in.present();
  out.present(fine);
  if (fine) {
    out.u32(in.u32());
  } else {
    out.text(in.text());
  }
  call->resolve(out);
}

}  // namespace

HostImports TestHost::imports() {
  const auto self = shared_from_this();
  HostInterface host{.name = "quern:test/host@0.1.0", .functions = {}, .resources = {}};
  const auto add = [&](std::string name, HostFunction function) {
    host.functions.emplace_back(std::move(name), std::move(function));
  };
  add("echo", echo);
  add("wait-answer", [self](std::unique_ptr<HostCall> call) {
    const std::lock_guard lock(self->mutex_);
    self->waiting_.push_back(std::move(call));
  });
  add("never", [self](std::unique_ptr<HostCall> call) {
    const std::lock_guard lock(self->mutex_);
    self->never_.push_back(std::move(call));
  });
  add("measure", [self](std::unique_ptr<HostCall> call) {
    const auto size = static_cast<std::uint32_t>(call->arguments().text().size());
    {
      const std::lock_guard lock(self->mutex_);
      self->measured_ = size;
    }
    call->resolve(ValueWriter().u32(size));
  });
  add("say", [](std::unique_ptr<HostCall> call) {
    const std::string text(call->arguments().text());
    call->print(Stream::out, text + " out\n");
    call->print(Stream::err, text + " err\n");
    call->resolve({});
  });
  add("[constructor]counter", [self](std::unique_ptr<HostCall> call) {
    const std::lock_guard lock(self->mutex_);
    self->counters_.push_back(call->arguments().u32());
    call->resolve(ValueWriter().resource(static_cast<std::uint32_t>(self->counters_.size() - 1)));
  });
  add("[method]counter.next", [self](std::unique_ptr<HostCall> call) {
    const std::lock_guard lock(self->mutex_);
    call->resolve(ValueWriter().u32(++self->counters_.at(call->arguments().resource())));
  });
  add("[static]counter.absorb", [self](std::unique_ptr<HostCall> call) {
    const std::lock_guard lock(self->mutex_);
    ValueReader in = call->arguments();
    const std::uint32_t eaten = in.resource();
    const std::uint32_t into = in.resource();
    self->counters_.push_back(self->counters_.at(eaten) + self->counters_.at(into));
    call->resolve(ValueWriter().resource(static_cast<std::uint32_t>(self->counters_.size() - 1)));
  });
  add("[method]counter.ready", [self](std::unique_ptr<HostCall> call) {
    auto waitable = Waitable::create();
    {
      const std::lock_guard lock(self->mutex_);
      self->waitables_.push_back(waitable);
    }
    call->resolve(ValueWriter().pollable(waitable));
    std::thread([waitable] {
      std::this_thread::sleep_for(20ms);
      waitable->set(true);
    }).detach();
  });
  host.resources.push_back({.name = "counter", .drop = [self](InstanceState*, std::uint32_t) {
                              const std::lock_guard lock(self->mutex_);
                              ++self->dropped_;
                            }});
  return {.interfaces = {host}, .functions = {}, .advice = {}};
}

std::size_t TestHost::answer_all(std::uint32_t value) {
  std::vector<std::unique_ptr<HostCall>> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(waiting_);
  }
  for (const auto& call : calls) call->resolve(ValueWriter().u32(value));
  return calls.size();
}

std::size_t TestHost::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}
std::uint32_t TestHost::measured() const {
  const std::lock_guard lock(mutex_);
  return measured_;
}
int TestHost::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace quern::wasm::testing
