// https://www.elastic.co/guide/en/elasticsearch/reference/current/docs-bulk.html
#include "outputs/bulk_answer.hpp"

#include "base/text.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/pairs.hpp"
#include "logs/record.hpp"

namespace quern::outputs {
namespace {

using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;

constexpr std::size_t kLongestReason = 300;

Failure no_answer(std::string_view why) {
  return fail(ErrorKind::corrupt_data, "no answer to a bulk: " + std::string(why));
}

std::string reason_of(ByteView result) {
  std::string reason(logs::text_field(result, "error.type").value_or(""));
  const auto more = logs::text_field(result, "error.reason");
  if (more) reason += (reason.empty() ? "" : ": ") + std::string(*more);
  // Older servers say it as one text.
  if (reason.empty()) reason = logs::text_field(result, "error").value_or("");
  return printable(reason, kLongestReason);
}

// {"create": {"status": 201, ...}}
Result<BulkItem> read_item(ByteView item) {
  logs::Pairs pairs = TRY(logs::Pairs::of(item));
  const auto pair = TRY(pairs.next());
  const auto status = pair ? logs::field(pair->value, "status") : std::nullopt;
  if (!status) return no_answer("an item has no status");
  Reader reader(*status);
  const Token number = TRY(reader.next());
  if (number.type != Type::natural || number.natural < 100 || number.natural > 599)
    return no_answer("a status is none");
  return BulkItem{.status = static_cast<std::uint16_t>(number.natural),
                  .reason = reason_of(pair->value)};
}

}  // namespace

Result<std::vector<BulkItem>> read_bulk_answer(std::string_view json) {
  Buffer answer;
  TRY(logs::from_json(json, answer));
  const auto items = logs::field(answer, "items");
  if (!items) return no_answer("it has no items");
  Reader reader(*items);
  const Token list = TRY(reader.next());
  if (list.type != Type::array) return no_answer("items is no list");
  std::vector<BulkItem> all;
  for (std::uint32_t at = 0; at < list.count; ++at) {
    const ByteView item = TRY(reader.skip());
    all.push_back(TRY(read_item(item)));
  }
  return all;
}

}  // namespace quern::outputs
