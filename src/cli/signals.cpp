#include "cli/signals.hpp"

#include "base/check.hpp"
#include "base/process.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace quern::cli {
namespace {

::sigset_t ending_signals() {
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

Signals::Signals() {
  const ::sigset_t set = ending_signals();
  CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0, "cannot block signals");
  // A reader that went away is an error of write(), not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  signals_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC));
  wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  CHECK(signals_ && wake_, "cannot watch signals");
  thread_ = std::jthread([this](const std::stop_token& stop) { read_signals(stop); });
}

Signals::~Signals() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  CHECK(::write(wake_.get(), &one, sizeof one) == sizeof one, "cannot wake the signals' thread");
}

OnSignal Signals::on_signal(Handler handler) {
  auto held = std::make_shared<Handler>(std::move(handler));
  handlers_.lock()->push_back(held);
  return OnSignal([this, held] { std::erase(*handlers_.lock(), held); });
}

void Signals::deliver(int signal) {
  const std::shared_ptr<Handler> handler =
      handlers_.with([](const auto& all) { return all.empty() ? nullptr : all.back(); });
  if (handler != nullptr) {
    (*handler)(signal);
    return;
  }
  ::_exit(ended_by(signal));
}

void Signals::read_signals(const std::stop_token& stop) {
  name_this_thread("quern-signals");
  while (!stop.stop_requested()) {
    std::array<::pollfd, 2> ready{{{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                                   {.fd = wake_.get(), .events = POLLIN, .revents = 0}}};
    if (::poll(ready.data(), ready.size(), -1) <= 0 || (ready[0].revents & POLLIN) == 0) continue;
    ::signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      deliver(static_cast<int>(info.ssi_signo));
    }
  }
}

}  // namespace quern::cli
