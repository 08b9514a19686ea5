#include "http/resolver.hpp"

#include "base/process.hpp"
#include "base/stop.hpp"

#include <netdb.h>

#include <condition_variable>
#include <cstring>
#include <optional>

namespace quern::http {
namespace {

constexpr std::size_t kMaxLookups = 16;

struct FreeAddresses {
  void operator()(addrinfo* found) const noexcept { ::freeaddrinfo(found); }
};

Result<std::vector<Address>> ask_system(const std::string& host, std::uint16_t port, int flags) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> owner(found);
  if (problem != 0) {
    return fail(ErrorKind::unavailable,
                "the name " + host + " is not known here: " + ::gai_strerror(problem));
  }
  std::vector<Address> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Address address;
    address.size = at->ai_addrlen;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

struct Resolver::Lookup {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::optional<Result<std::vector<Address>>> answer;
};

Result<std::vector<Address>> Resolver::lookup(const std::string& host, std::uint16_t port,
                                              Deadline deadline, const std::stop_token& stop) {
  if (auto literal = ask_system(host, port, AI_NUMERICHOST); literal.ok()) return literal;
  const auto lookup = std::make_shared<Lookup>();
  {
    const std::lock_guard held(mutex_);
    std::erase_if(running_, [](const Running& old) {
      const std::lock_guard look(old.lookup->mutex);  // order: mutex_, then a Lookup's
      return old.lookup->answer.has_value();
    });
    if (running_.size() >= kMaxLookups) {
      return fail(ErrorKind::resource_exhausted, "too many names are being looked up already");
    }
    running_.push_back({lookup, std::jthread([lookup, host, port] {
                          name_this_thread("quern-resolve");
                          auto answer = ask_system(host, port, AI_ADDRCONFIG);
                          const std::lock_guard ready(lookup->mutex);
                          lookup->answer = std::move(answer);
                          lookup->changed.notify_all();
                        })});
  }
  std::unique_lock lock(lookup->mutex);
  auto waited =
      wait_until(lookup->changed, lock, deadline, stop, [&] { return lookup->answer.has_value(); });
  if (waited.ok()) return *lookup->answer;
  if (waited.error().kind() == ErrorKind::cancelled) return fail(std::move(waited).error());
  return fail(ErrorKind::unavailable, "the name server does not answer for " + host);
}

}  // namespace quern::http
