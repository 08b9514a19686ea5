#include "insight/window.hpp"

#include "base/text.hpp"

#include "logs/msgpack.hpp"

#include <algorithm>

namespace quern::insight {
namespace {

constexpr std::size_t kTemplatesARecord = 1000;
constexpr std::size_t kLongestText = 400;
constexpr std::size_t kSummaryLines = 12;

using Counted = std::pair<mining::TemplateId, WindowCount>;

std::vector<Counted> by_id(const Window& window) {
  std::vector<Counted> all(window.templates.begin(), window.templates.end());
  std::sort(all.begin(), all.end(),
            [](const Counted& a, const Counted& b) { return a.first < b.first; });
  return all;
}

}  // namespace

bool Told::is_due(mining::TemplateId id, const std::string& text) {
  Text& known = texts_[id];
  const std::size_t hash = std::hash<std::string>()(text);
  if (known.window != 0 && known.hash == hash && window_ - known.window < kAgain) return false;
  known = {.window = window_, .hash = hash};
  return true;
}

void Told::next_window() { ++window_; }

void Told::forget(const std::function<bool(mining::TemplateId)>& went) {
  std::erase_if(texts_, [&](const auto& text) { return went(text.first); });
}

void write_counts(const Window& window, std::int64_t to,
                  const std::function<const std::string&(mining::TemplateId)>& text_of, Told& told,
                  std::string_view tag, logs::Batch& into) {
  told.next_window();
  const std::vector<Counted> all = by_id(window);
  for (std::size_t begin = 0; begin < all.size(); begin += kTemplatesARecord) {
    const std::size_t end = std::min(begin + kTemplatesARecord, all.size());
    Buffer record;
    logs::msgpack::Writer writer(record);
    writer.map(4);
    writer.string("window");
    writer.map(2);
    writer.string("from");
    writer.integer(window.date);
    writer.string("to");
    writer.integer(to);
    writer.string("lines");
    writer.natural(window.lines);
    writer.string("bytes");
    writer.natural(window.bytes);
    writer.string("templates");
    writer.array(static_cast<std::uint32_t>(end - begin));
    for (std::size_t i = begin; i < end; ++i) {
      const auto& [id, count] = all[i];
      const std::string& text = text_of(id);
      const bool tell = told.is_due(id, text);
      writer.map(2U + (count.anomalies > 0 ? 1U : 0U) + (count.is_new ? 1U : 0U) +
                 (tell ? 1U : 0U));
      writer.string("id");
      writer.natural(id);
      writer.string("count");
      writer.natural(count.lines);
      if (count.anomalies > 0) {
        writer.string("anomalies");
        writer.natural(count.anomalies);
      }
      if (count.is_new) {
        writer.string("new");
        writer.boolean(true);
      }
      if (tell) {
        writer.string("text");
        writer.string(printable(text, kLongestText));
      }
    }
    into.add(tag, {.seconds = static_cast<std::uint32_t>(to)}, record);
  }
}

std::vector<std::string> summary_lines(
    const Window& window, const std::function<const std::string&(mining::TemplateId)>& text_of) {
  std::vector<Counted> all = by_id(window);
  std::stable_sort(all.begin(), all.end(), [](const Counted& a, const Counted& b) {
    const auto worth = [](const WindowCount& count) {
      return std::tuple(count.anomalies > 0, count.is_new, count.lines);
    };
    return worth(a.second) > worth(b.second);
  });
  if (all.size() > kSummaryLines) all.resize(kSummaryLines);
  std::vector<std::string> lines;
  for (const auto& [id, count] : all) {
    lines.push_back(std::to_string(count.lines) + " times" +
                    (count.anomalies > 0 ? ", unusual" : "") + (count.is_new ? ", new" : "") +
                    ": " + text_of(id));
  }
  return lines;
}

}  // namespace quern::insight
