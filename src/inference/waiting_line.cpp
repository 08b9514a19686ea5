#include "inference/waiting_line.hpp"

#include <algorithm>
#include <utility>

namespace quern::inference {

std::unique_ptr<Job> WaitingLine::pop(const std::function<bool(const Job&)>& ready) {
  for (auto tenant = tenants_.begin(); tenant != tenants_.end(); ++tenant) {
    auto& jobs = tenant->jobs;
    const auto job = std::find_if(jobs.begin(), jobs.end(),
                                  [&](const auto& candidate) { return ready(*candidate); });
    if (job == jobs.end()) continue;
    auto found = std::move(*job);
    jobs.erase(job);
    if (jobs.empty()) {
      tenants_.erase(tenant);
    } else {
      tenants_.splice(tenants_.end(), tenants_, tenant);
    }
    return found;
  }
  return nullptr;
}

std::deque<std::unique_ptr<Job>> WaitingLine::take_if(const std::function<bool(const Job&)>& over) {
  std::deque<std::unique_ptr<Job>> taken;
  for (Tenant& tenant : tenants_) {
    for (auto& job : tenant.jobs) {
      if (over(*job)) taken.push_back(std::move(job));
    }
    std::erase(tenant.jobs, nullptr);
  }
  tenants_.remove_if([](const Tenant& tenant) { return tenant.jobs.empty(); });
  return taken;
}

void WaitingLine::each(const std::function<void(const Job&)>& visit) const {
  for (const Tenant& tenant : tenants_) {
    for (const auto& job : tenant.jobs) visit(*job);
  }
}

std::size_t WaitingLine::size() const {
  std::size_t count = 0;
  for (const Tenant& tenant : tenants_) count += tenant.jobs.size();
  return count;
}

std::deque<std::unique_ptr<Job>>& WaitingLine::of(const std::string& name) {
  const auto tenant = std::find_if(tenants_.begin(), tenants_.end(),
                                   [&](const Tenant& candidate) { return candidate.name == name; });
  if (tenant != tenants_.end()) return tenant->jobs;
  return tenants_.emplace_back(Tenant{.name = name, .jobs = {}}).jobs;
}

}  // namespace quern::inference
