// A file is blocks alone; its number is its name. A block is, all numbers little endian:
//
//   u32 "QRB1"   u32 bytes of what follows the head   u32 FNV-1a of it
//   u32 earliest second   u32 latest second   u32 records
//   u32 template of each record
//   the records as one frame (docs/formats/batch.md)
#include "insight/ring.hpp"

#include "base/text.hpp"

#include "logs/record.hpp"
#include "logs/segments.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace quern::insight {
namespace {

constexpr std::uint32_t kMagic = 0x31425251;
constexpr std::size_t kHead = 12;
constexpr std::size_t kFixed = 12;
constexpr std::uint64_t kFullBlock = 128 * 1024;
constexpr std::string_view kEnding = ".ring";
constexpr Bytes kLargestBlock = 8_MiB;

std::uint32_t read_number(ByteView bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    number |= std::to_integer<std::uint32_t>(bytes[at + i]) << (8 * i);
  }
  return number;
}

void put_number(Buffer& out, std::uint32_t number) {
  for (std::size_t i = 0; i < 4; ++i) out.push_back(static_cast<std::byte>(number >> (8 * i)));
}

// http://www.isthe.com/chongo/tech/comp/fnv: against torn and rotten blocks, not against people.
std::uint32_t checksum(ByteView bytes) {
  std::uint32_t hash = 2166136261U;
  for (const std::byte byte : bytes) {
    hash = (hash ^ std::to_integer<std::uint32_t>(byte)) * 16777619U;
  }
  return hash;
}

struct Contents {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::vector<mining::TemplateId> ids;  // of each record
  ByteView frame;
};

Failure damaged() { return fail(ErrorKind::corrupt_data, "a block of the ring is damaged"); }

// `bytes`: a block with its head.
Result<Contents> read_contents(ByteView bytes) {
  if (bytes.size() < kHead + kFixed || read_number(bytes, 0) != kMagic) return damaged();
  const ByteView body = bytes.subspan(kHead);
  if (read_number(bytes, 4) != body.size() || read_number(bytes, 8) != checksum(body)) {
    return damaged();
  }
  const std::uint32_t records = read_number(body, 8);
  if (records > (body.size() - kFixed) / 4) return damaged();
  Contents contents{.from = read_number(body, 0), .to = read_number(body, 4)};
  contents.ids.reserve(records);
  for (std::uint32_t i = 0; i < records; ++i) {
    contents.ids.push_back(read_number(body, kFixed + 4 * std::size_t{i}));
  }
  contents.frame = body.subspan(kFixed + 4 * std::size_t{records});
  return contents;
}

std::vector<mining::TemplateId> each_once(std::vector<mining::TemplateId> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

bool fits(const logs::Entry& entry, const Search& search) {
  const std::int64_t time = entry.time.seconds;
  if (time < search.from || time > search.to) return false;
  if (search.text.empty()) return true;
  const auto line = logs::line_of(entry.record);
  return line && line->find(search.text) != std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<Ring>> Ring::open(Files& files, const Path& folder, Bytes limit) {
  TRY(files.make_directories(folder, 0700));
  std::unique_ptr<Ring> ring(new Ring(files, folder, limit));
  TRY(ring->recover());
  return ring;
}

Ring::Path Ring::path_of(std::uint64_t file) const {
  return folder_ / (std::to_string(file) + std::string(kEnding));
}

std::uint64_t Ring::file_limit() const {
  return std::min<std::uint64_t>(limit_.count / 8, 16U << 20U);
}

Result<> Ring::recover() {
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : TRY(files_.list(folder_))) {
    if (!name.ends_with(kEnding)) continue;
    const auto number =
        parse_number<std::uint64_t>(std::string_view(name).substr(0, name.size() - kEnding.size()));
    if (number.ok()) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  const auto state = state_.lock();
  for (const std::uint64_t number : numbers) {
    TRY(recover_file(number, *state));
    state->next_file = number + 1;
  }
  make_room(*state);
  return {};
}

// The heads say where blocks are; a file is read as far as it makes sense. New blocks begin a new
// one.
Result<> Ring::recover_file(std::uint64_t number, State& state) {
  const FileInfo info = TRY(files_.stat(path_of(number)));
  state.sizes.emplace_back(number, info.size.count);
  state.figures.held.count += info.size.count;
  for (std::uint64_t offset = 0; offset + kHead <= info.size.count;) {
    const Buffer head = TRY(files_.read_part(path_of(number), {offset}, {kHead}));
    if (head.size() < kHead || read_number(head, 0) != kMagic) break;
    const std::uint64_t size = kHead + read_number(head, 4);
    if (size > kLargestBlock.count || offset + size > info.size.count) break;
    const Buffer bytes = TRY(files_.read_part(path_of(number), {offset}, {size}));
    const Result<Contents> contents = read_contents(bytes);
    if (contents.ok()) {
      state.blocks.push_back({.file = number,
                              .offset = offset,
                              .size = static_cast<std::uint32_t>(size),
                              .from = contents->from,
                              .to = contents->to,
                              .ids = each_once(contents->ids)});
    } else {
      ++state.figures.damaged;
    }
    offset += size;
  }
  return {};
}

void Ring::add(const logs::Batch& batch, std::span<const mining::TemplateId> ids) {
  const auto state = state_.lock();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const logs::Entry entry = batch[i];
    state->waiting.add(entry.tag, entry.time, entry.record);
    state->waiting_ids.push_back(ids[i]);
    ++state->figures.records;
    if (state->waiting.bytes().count >= kFullBlock) flush(*state);
  }
}

void Ring::flush() { flush(*state_.lock()); }

void Ring::flush(State& state) {
  if (state.waiting.empty()) return;
  if (!write_block(state).ok()) state.figures.lost += state.waiting_ids.size();
  state.waiting = {};
  state.waiting_ids.clear();
}

Result<> Ring::write_block(State& state) {
  const std::vector<Buffer> frames = state.waiting.frames(logs::kLargestFrame);
  std::size_t begin = 0;
  for (const Buffer& frame : frames) {
    // Nearly always one: a block is far smaller than the largest frame.
    const std::size_t records =
        frames.size() == 1 ? state.waiting.size() : TRY(logs::Batch::parse(frame)).size();
    Block block;
    Buffer body;
    body.reserve(kFixed + 4 * records + frame.size());
    for (std::size_t i = begin; i < begin + records; ++i) {
      const std::uint32_t time = state.waiting[i].time.seconds;
      block.from = std::min(block.from, time);
      block.to = std::max(block.to, time);
    }
    put_number(body, block.from);
    put_number(body, block.to);
    put_number(body, static_cast<std::uint32_t>(records));
    for (std::size_t i = begin; i < begin + records; ++i) put_number(body, state.waiting_ids[i]);
    const auto first = state.waiting_ids.begin() + static_cast<std::ptrdiff_t>(begin);
    block.ids = each_once({first, first + static_cast<std::ptrdiff_t>(records)});
    body.insert(body.end(), frame.begin(), frame.end());
    Buffer bytes;
    put_number(bytes, kMagic);
    put_number(bytes, static_cast<std::uint32_t>(body.size()));
    put_number(bytes, checksum(body));
    bytes.insert(bytes.end(), body.begin(), body.end());
    TRY(append(state, std::move(block), bytes));
    begin += records;
  }
  return {};
}

Result<> Ring::append(State& state, Block block, ByteView bytes) {
  if (!state.writer || state.sizes.back().second + bytes.size() > file_limit()) {
    state.writer = TRY(files_.append(path_of(state.next_file)));
    state.sizes.emplace_back(state.next_file++, 0);
  }
  auto& [number, size] = state.sizes.back();
  const Result<> written = state.writer->write(bytes);
  if (!written.ok()) {
    state.writer.reset();  // half a block may be there: nothing goes behind it
    return written;
  }
  block.file = number;
  block.offset = size;
  block.size = static_cast<std::uint32_t>(bytes.size());
  size += bytes.size();
  state.figures.held.count += bytes.size();
  state.blocks.push_back(std::move(block));
  make_room(state);
  return {};
}

void Ring::make_room(State& state) {
  while (state.sizes.size() > 1 && state.figures.held > limit_) {
    const auto [number, size] = state.sizes.front();
    (void)files_.remove(path_of(number));  // who removed it already made the room
    state.sizes.pop_front();
    state.figures.held.count -= size;
    ++state.figures.freed;
    while (!state.blocks.empty() && state.blocks.front().file == number) state.blocks.pop_front();
  }
}

Result<std::vector<Found>> Ring::search(const Search& search, const Now& now) const {
  const auto wanted = [&](mining::TemplateId id) { return !search.id || now(id) == *search.id; };
  std::vector<Block> blocks;
  std::vector<Found> waiting;  // what is in no block yet, and so newer than all
  state_.with([&](const State& state) {
    for (const Block& block : state.blocks) {
      const bool in_time = block.to >= search.from && block.from <= search.to;
      if (in_time && std::any_of(block.ids.begin(), block.ids.end(), wanted)) {
        blocks.push_back(block);
      }
    }
    for (std::size_t i = 0; i < state.waiting.size(); ++i) {
      const logs::Entry entry = state.waiting[i];
      if (!wanted(state.waiting_ids[i]) || !fits(entry, search)) continue;
      waiting.push_back({.id = now(state.waiting_ids[i]),
                         .time = entry.time,
                         .tag = std::string(entry.tag),
                         .record = {entry.record.begin(), entry.record.end()}});
    }
  });
  const std::size_t limit = std::min<std::size_t>(search.limit, 10'000);
  std::vector<Found> found;
  for (const Block& block : blocks) {
    if (found.size() >= limit) break;
    if (!read_block(block, search, now, found).ok()) {
      state_.with([](State& state) { ++state.figures.damaged; });
    }
  }
  std::move(waiting.begin(), waiting.end(), std::back_inserter(found));
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.time < b.time; });
  if (found.size() > limit) found.resize(limit);
  return found;
}

// A file that made room meanwhile is not_found, and so are its records.
Result<> Ring::read_block(const Block& block, const Search& search, const Now& now,
                          std::vector<Found>& found) const {
  const Buffer bytes = TRY(files_.read_part(path_of(block.file), {block.offset}, {block.size}));
  const Contents contents = TRY(read_contents(bytes));
  const logs::Batch batch = TRY(logs::Batch::parse(contents.frame));
  if (batch.size() != contents.ids.size()) return damaged();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const mining::TemplateId id = now(contents.ids[i]);
    const logs::Entry entry = batch[i];
    if ((search.id && id != *search.id) || !fits(entry, search)) continue;
    found.push_back({.id = id,
                     .time = entry.time,
                     .tag = std::string(entry.tag),
                     .record = {entry.record.begin(), entry.record.end()}});
  }
  return {};
}

RingFigures Ring::figures() const {
  return state_.with([](const State& state) { return state.figures; });
}

}  // namespace quern::insight
