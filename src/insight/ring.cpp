// A file is blocks alone; its number is its name. A block is, all numbers little endian:
//
//   u32 "QRB1"   u32 bytes of what follows the head   u32 FNV-1a of it
//   u32 earliest second   u32 latest second   u32 records
//   u32 template of each record
//   the records as one frame (docs/formats/batch.md)
#include "insight/ring.hpp"

#include "base/log.hpp"
#include "base/text.hpp"

#include "logs/record.hpp"
#include "logs/segments.hpp"

#include <algorithm>
#include <iterator>
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
constexpr std::uint64_t kFirstLook = (8_KiB).count;  // at a block: nearly always its ids are in it

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
    state->next_file = number + 1;
    const std::uint64_t size = TRY(files_.stat(path_of(number))).size.count;
    if (size == 0) {
      (void)files_.remove(path_of(number));  // of a disk that was full
      continue;
    }
    state->files.push_back({.number = number, .size = size, .blocks = std::nullopt});
    state->figures.held.count += size;
  }
  make_room(*state);
  return {};
}

void Ring::look_at_files() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> unknown;
  state_.with([&](const State& state) {
    for (const File& file : state.files) {
      if (!file.blocks) unknown.emplace_back(file.number, file.size);
    }
  });
  for (const auto& [number, size] : unknown) {
    Result<std::vector<Block>> blocks = blocks_of(number, size);
    if (!blocks.ok()) continue;  // it made room meanwhile, or the next search tries again
    state_.with([&, of = number](State& state) {
      for (File& file : state.files) {
        if (file.number == of && !file.blocks) file.blocks = *std::move(blocks);
      }
    });
  }
}

// The heads say where blocks are and what is in them; a file is read as far as it makes sense.
// Whether a block is whole is seen when it is read.
Result<std::vector<Ring::Block>> Ring::blocks_of(std::uint64_t file, std::uint64_t size) const {
  std::vector<Block> blocks;
  const auto part = [&](std::uint64_t offset, std::uint64_t bytes) {
    return files_.read_part(path_of(file), {offset}, {bytes});
  };
  for (std::uint64_t offset = 0; offset + kHead + kFixed <= size;) {
    Buffer bytes = TRY(part(offset, kFirstLook));
    if (bytes.size() < kHead + kFixed || read_number(bytes, 0) != kMagic) break;
    const std::uint64_t block = kHead + read_number(bytes, 4);
    const std::uint64_t heads = kHead + kFixed + 4 * std::uint64_t{read_number(bytes, kHead + 8)};
    if (block > kLargestBlock.count || offset + block > size) break;
    if (heads > bytes.size() && heads <= block) bytes = TRY(part(offset, heads));
    if (heads <= block && heads <= bytes.size()) {
      std::vector<mining::TemplateId> ids;
      for (std::size_t at = kHead + kFixed; at < heads; at += 4) {
        ids.push_back(read_number(bytes, at));
      }
      blocks.push_back({.file = file,
                        .offset = offset,
                        .size = static_cast<std::uint32_t>(block),
                        .from = read_number(bytes, kHead),
                        .to = read_number(bytes, kHead + 4),
                        .ids = each_once(std::move(ids))});
    } else {
      state_.with([](State& state) { ++state.figures.damaged; });
    }
    offset += block;
  }
  return blocks;
}

void Ring::add(const logs::Batch& batch, std::span<const mining::TemplateId> ids) {
  state_.with([&](State& state) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const logs::Entry entry = batch[i];
      state.waiting.add(entry.tag, entry.time, entry.record);
      state.waiting_ids.push_back(ids[i]);
      ++state.figures.records;
      if (state.waiting.bytes().count >= kFullBlock) flush(state);
    }
  });
  tell();
}

void Ring::flush() {
  state_.with([&](State& state) { flush(state); });
  tell();
}

void Ring::flush(State& state) {
  if (state.waiting.empty()) return;
  const Result<> written = write_block(state);
  if (!written.ok()) {
    state.figures.lost += state.waiting_ids.size();
    if (!state.failing) state.untold = written.error();
  }
  state.failing = !written.ok();
  state.waiting = {};
  state.waiting_ids.clear();
}

void Ring::tell() {
  const std::optional<Error> untold =
      state_.with([](State& state) { return std::exchange(state.untold, std::nullopt); });
  if (!untold) return;
  log::warn("insight", "raw records are not kept until it can be written: " + untold->describe());
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
  if (!state.writer || state.files.back().size + bytes.size() > file_limit()) {
    state.writer = TRY(files_.append(path_of(state.next_file)));
    state.files.push_back({.number = state.next_file++, .size = 0, .blocks = std::vector<Block>()});
  }
  File& file = state.files.back();
  const Result<> written = state.writer->write(bytes);
  if (!written.ok()) {
    give_up_file(state);
    return written;
  }
  block.file = file.number;
  block.offset = file.size;
  block.size = static_cast<std::uint32_t>(bytes.size());
  file.size += bytes.size();
  state.figures.held.count += bytes.size();
  file.blocks->push_back(std::move(block));
  make_room(state);
  return {};
}

// Half a block may be there: nothing goes behind it, and where it can be taken away it takes no
// room.
void Ring::give_up_file(State& state) {
  state.writer.reset();
  const File& file = state.files.back();
  if (file.size > 0) {
    (void)files_.truncate(path_of(file.number), {file.size});
    return;
  }
  (void)files_.remove(path_of(file.number));
  state.files.pop_back();
}

void Ring::make_room(State& state) {
  while (state.files.size() > 1 && state.figures.held > limit_) {
    const File& file = state.files.front();
    (void)files_.remove(path_of(file.number));  // who removed it already made the room
    state.figures.held.count -= file.size;
    ++state.figures.freed;
    state.files.pop_front();
  }
}

Result<std::vector<Found>> Ring::search(const Search& search, const Now& now) const {
  const auto wanted = [&](mining::TemplateId id) { return !search.id || now(id) == *search.id; };
  look_at_files();
  std::vector<Block> blocks;
  std::vector<Found> waiting;  // what is in no block yet, and so newer than all
  state_.with([&](const State& state) {
    const auto may_hold = [&](const Block& block) {
      const bool in_time = block.to >= search.from && block.from <= search.to;
      return in_time && std::any_of(block.ids.begin(), block.ids.end(), wanted);
    };
    for (const File& file : state.files) {
      if (!file.blocks) continue;
      std::copy_if(file.blocks->begin(), file.blocks->end(), std::back_inserter(blocks), may_hold);
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
    const Result<> read = read_block(block, search, now, found);
    if (!read.ok() && read.error().kind() != ErrorKind::not_found) {
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
