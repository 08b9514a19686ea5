#include "guestapi/model_work.hpp"

#include "guestapi/token_count.hpp"

#include <utility>

namespace quern::guestapi {

Result<> ModelWork::open(const std::string& granted_name, Use use) {
  if (auto model = models_.loaded(granted_name)) {
    use(std::move(model));
    return {};
  }
  return opening_.run(
      [&models = models_, granted_name, use = std::move(use)] { use(models.open(granted_name)); });
}

Result<> ModelWork::count(std::uint64_t text_bytes, std::function<void()> job) {
  if (text_bytes > kShortText) return counting_.run(std::move(job));
  job();
  return {};
}

}  // namespace quern::guestapi
