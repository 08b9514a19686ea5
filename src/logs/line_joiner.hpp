// Records that belong together, until the last of them is there. Of this room alone.
#pragma once

#include "base/bytes.hpp"
#include "base/clock.hpp"

#include "logs/batch.hpp"
#include "logs/record.hpp"
#include "logs/stage.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace quern::logs {

struct JoinLimits {
  std::uint32_t lines = 500;  // of one record; beyond, the next begins a new one
  Bytes bytes = 256_KiB;
  std::uint32_t streams = 1000;             // that wait; beyond, the oldest goes on
  Bytes waiting = 16_MiB;                   // of all together, likewise
  std::chrono::milliseconds timeout{2000};  // since the last line
};

// One record for each stream. Whoever owns it locks it.
class LineJoiner {
 public:
  struct Group {
    std::string tag;
    EventTime time;
    Buffer metadata;
    Buffer record;    // of the first line
    std::string key;  // the field that holds the text
    std::string text;
    std::size_t beside = 0;  // bytes of the first record without its text
    std::uint32_t lines = 0;
    int state = 0;  // of who joins
    Clock::Time begun{};
    Clock::Time touched{};
  };

  explicit LineJoiner(JoinLimits limits) : limits_(limits) {}

  Group* find(const std::string& stream) {
    const auto at = groups_.find(stream);
    return at == groups_.end() ? nullptr : &at->second;
  }

  // A new group; the stream has none. What is too much goes to `out`.
  Group& begin(const std::string& stream, const Entry& entry, std::string_view key,
               std::string_view text, Clock::Time now, Batch& out) {
    make_room(text.size() + entry.record.size(), out);
    Group& group = groups_[stream];
    group = {.tag = std::string(entry.tag),
             .time = entry.time,
             .metadata = Buffer(entry.metadata.begin(), entry.metadata.end()),
             .record = Buffer(entry.record.begin(), entry.record.end()),
             .key = std::string(key),
             .text = std::string(text),
             .beside = entry.record.size() + entry.metadata.size() - text.size(),
             .lines = 1,
             .begun = now,
             .touched = now};
    bytes_ += text.size() + entry.record.size();
    return group;
  }

  // False, and nothing is done: it would be too long.
  bool append(Group& group, std::string_view separator, std::string_view text, Clock::Time now) {
    const std::size_t more = separator.size() + text.size();
    // With the other fields, and the headers that grow with the text.
    const std::size_t whole = group.beside + group.text.size() + 16;
    if (group.lines == limits_.lines || group.text.size() + more > limits_.bytes.count ||
        whole + more > kLargestRecord.count)
      return false;
    group.text.append(separator).append(text);
    ++group.lines;
    group.touched = now;
    bytes_ += more;
    return true;
  }

  // The stream's group goes to `out`.
  void end(const std::string& stream, Batch& out) {
    const auto at = groups_.find(stream);
    if (at == groups_.end()) return;
    const Group& group = at->second;
    const Result<Buffer> whole =
        group.lines == 1 && text_field(group.record, group.key) == group.text
            ? Result<Buffer>(group.record)
            : with_text(group.record, group.key, group.text);
    out.add(group.tag, group.time, whole.ok() ? ByteView(*whole) : ByteView(group.record),
            group.metadata);
    bytes_ -= group.text.size() + group.record.size();
    groups_.erase(at);
  }

  // Those of which nothing came for the timeout, or that are five times as old, or all.
  void flush(Due due, Clock::Time now, Batch& out) {
    for (auto at = groups_.begin(); at != groups_.end();) {
      const auto next = std::next(at);
      const Group& group = at->second;
      if (due == Due::all || now - group.touched >= limits_.timeout ||
          now - group.begun >= 5 * limits_.timeout) {
        const std::string stream = at->first;
        end(stream, out);
      }
      at = next;
    }
  }

  std::size_t waiting() const { return groups_.size(); }
  // When the first line of the oldest group came.
  std::optional<Clock::Time> oldest() const {
    std::optional<Clock::Time> oldest;
    for (const auto& [stream, group] : groups_) {
      if (!oldest || group.begun < *oldest) oldest = group.begun;
    }
    return oldest;
  }

 private:
  void make_room(std::size_t more, Batch& out) {
    while (!groups_.empty() &&
           (groups_.size() >= limits_.streams || bytes_ + more > limits_.waiting.count)) {
      const auto oldest = std::min_element(
          groups_.begin(), groups_.end(),
          [](const auto& a, const auto& b) { return a.second.touched < b.second.touched; });
      const std::string stream = oldest->first;
      end(stream, out);
    }
  }

  const JoinLimits limits_;
  std::map<std::string, Group, std::less<>> groups_;
  std::size_t bytes_ = 0;
};

}  // namespace quern::logs
