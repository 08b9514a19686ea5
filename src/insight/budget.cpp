#include "insight/budget.hpp"

#include "insight/fields.hpp"
#include "logs/msgpack.hpp"

#include <algorithm>

namespace quern::insight {

void Budget::load(ByteView map) {
  const auto read = [&](std::string_view key) { return natural_field(map, key).value_or(0); };
  minute_ = {.number = static_cast<std::int64_t>(read("minute")), .spent = read("minute_spent")};
  day_ = {.number = static_cast<std::int64_t>(read("day")), .spent = read("day_spent")};
}

std::string Budget::save() const {
  Buffer map;
  logs::msgpack::Writer writer(map);
  writer.map(4);
  writer.string("minute");
  writer.integer(minute_.number);
  writer.string("minute_spent");
  writer.natural(minute_.spent);
  writer.string("day");
  writer.integer(day_.number);
  writer.string("day_spent");
  writer.natural(day_.spent);
  std::string json;
  add_json_line(map, json);
  return json;
}

bool Budget::take(std::uint64_t tokens, Date now) {
  using std::chrono::floor;
  minute_.begin(floor<std::chrono::minutes>(now.time_since_epoch()).count());
  day_.begin(floor<std::chrono::days>(now.time_since_epoch()).count());
  const auto room = [&](const Period& period, std::uint64_t limit) {
    return period.spent <= limit && tokens <= limit - period.spent;
  };
  if (!room(minute_, limits_.minute) || !room(day_, limits_.day)) return false;
  minute_.spent += tokens;
  day_.spent += tokens;
  ever_ += tokens;
  return true;
}

void Budget::settle(std::uint64_t taken, std::uint64_t used) {
  for (std::uint64_t* spent : {&minute_.spent, &day_.spent, &ever_}) {
    *spent = *spent - std::min(*spent, taken) + used;
  }
}

}  // namespace quern::insight
