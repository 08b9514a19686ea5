#include "catalog/download.hpp"

#include "base/sha256.hpp"
#include "base/stop.hpp"

#include <algorithm>

namespace quern::catalog {
namespace {

constexpr Bytes kReadStep = 1_MiB;
constexpr Bytes kMaxPage = 32_MiB;  // the index page of a package with very many files
constexpr Bytes kSpare = 64_MiB;    // left for everybody else on the disk
constexpr std::uint64_t kSyncEvery = 64ULL << 20U;  // most that a power cut can cost
constexpr int kFruitlessTries = 3;
constexpr std::chrono::milliseconds kBetweenTries(1000);

// Reads a file in pieces and hands them to `take`.
template <class Take>
Result<> for_each_piece(Files& files, const std::filesystem::path& path,
                        const std::stop_token& stop, Take take) {
  for (std::uint64_t at = 0;;) {
    TRY(still_wanted(stop, Deadline::never()));
    const Buffer piece = TRY(files.read_part(path, Bytes{at}, kReadStep));
    if (piece.empty()) return {};
    take(ByteView(piece));
    at += piece.size();
  }
}

// One download in progress.
class Fetching {
 public:
  Fetching(World world, const Download& what, const std::stop_token& stop,
           const std::function<void(std::uint64_t, std::uint64_t)>& here)
      : world_(world), what_(what), stop_(stop), here_(here) {}

  Result<Downloaded> run() {
    TRY(take_up());
    int fruitless = 0;
    while (!is_whole()) {
      const std::uint64_t before = done_;
      auto tried = try_once();
      writer_.reset();
      if (tried.ok()) break;
      const ErrorKind kind = tried.error().kind();
      const bool broke = kind == ErrorKind::unavailable || kind == ErrorKind::deadline_exceeded;
      fruitless = done_ > before ? 0 : fruitless + 1;
      if (!broke || fruitless >= kFruitlessTries) return fail(std::move(tried).error());
      TRY(world_.clock.sleep(kBetweenTries, stop_));
    }
    return check();
  }

 private:
  // Hashes what an earlier try left.
  Result<> take_up() {
    const auto info = world_.files.stat(what_.to);
    if (!info.ok()) return {};
    total_ = what_.size;
    if (what_.size > 0 && info->size.count > what_.size) return start_over();
    return for_each_piece(world_.files, what_.to, stop_, [this](ByteView piece) { count(piece); });
  }

  bool is_whole() const { return what_.size > 0 && done_ == what_.size; }

  Result<> try_once() {
    writer_ = TRY(world_.files.append(what_.to));
    const FetchRequest request{.url = what_.url, .headers = what_.headers, .offset = done_};
    auto fetched = world_.network.fetch(
        request, stop_, [this](const FetchHead& head) { return begin(head); },
        [this](ByteView bytes) { return take(bytes); });
    // A resumed file that was whole already: there is nothing behind its end.
    const bool nothing_left = !fetched.ok() && done_ > 0 && what_.size == 0 &&
                              fetched.error().kind() == ErrorKind::invalid_argument;
    if (!fetched.ok() && !nothing_left) return fetched;
    return writer_->sync();
  }

  Result<> begin(const FetchHead& head) {
    if (head.offset != done_) TRY(start_over());
    if (head.offset != done_) {
      return fail(ErrorKind::corrupt_data, "the server sent another part than was asked for");
    }
    total_ = head.total.value_or(what_.size);
    if (what_.size > 0 && total_ != what_.size) {
      return fail(ErrorKind::corrupt_data, "the server has " + std::to_string(total_) +
                                               " bytes and not the " + std::to_string(what_.size) +
                                               " that were announced");
    }
    if (what_.largest > 0 && total_ > what_.largest) return too_large();
    if (total_ > done_) return check_space(world_.files, what_.to, Bytes{total_ - done_});
    return {};
  }

  Result<> take(ByteView bytes) {
    const std::uint64_t most = what_.size > 0 ? what_.size : what_.largest;
    if (most > 0 && done_ + bytes.size() > most) return too_large();
    TRY(writer_->write(bytes));
    count(bytes);
    unsynced_ += bytes.size();
    if (unsynced_ >= kSyncEvery) {
      TRY(writer_->sync());
      unsynced_ = 0;
    }
    return {};
  }

  void count(ByteView bytes) {
    hash_.update(bytes);
    done_ += bytes.size();
    if (here_) here_(done_, total_);
  }

  Result<> start_over() {
    writer_.reset();
    TRY(world_.files.truncate(what_.to, Bytes{0}));
    writer_ = TRY(world_.files.append(what_.to));
    hash_ = Sha256();
    done_ = 0;
    return {};
  }

  Result<Downloaded> check() {
    writer_.reset();
    Downloaded got{.digest = hash_.finish(), .size = done_};
    std::string problem;
    if (what_.size > 0 && got.size != what_.size) problem = "not as long as was announced";
    if (!what_.digest.empty() && got.digest != what_.digest) {
      problem = "has the digest " + got.digest + " and not " + what_.digest;
    }
    if (problem.empty()) return got;
    TRY(world_.files.remove(what_.to));
    return fail(ErrorKind::corrupt_data, what_.url + " " + problem);
  }

  Result<> too_large() const {
    return fail(ErrorKind::corrupt_data, what_.url + " is larger than was announced");
  }

  World world_;
  const Download& what_;
  const std::stop_token& stop_;
  const std::function<void(std::uint64_t, std::uint64_t)>& here_;
  Sha256 hash_;
  std::unique_ptr<FileWriter> writer_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t unsynced_ = 0;
};

}  // namespace

Result<Downloaded> download(World world, const Download& what, const std::stop_token& stop,
                            const std::function<void(std::uint64_t, std::uint64_t)>& here) {
  auto got = Fetching(world, what, stop, here).run();
  if (!got.ok() && got.error().kind() == ErrorKind::corrupt_data && world.files.exists(what.to)) {
    TRY(world.files.remove(what.to));
  }
  return got;
}

Result<Page> fetch_page(Network& network, const FetchRequest& request,
                        const std::stop_token& stop) {
  Page page;
  TRY(network.fetch(
      request, stop,
      [&](const FetchHead& head) {
        page.url = head.url;
        page.content_type = head.content_type;
        return Result<>();
      },
      [&](ByteView bytes) -> Result<> {
        if (page.text.size() + bytes.size() > kMaxPage.count) {
          return fail(ErrorKind::corrupt_data, request.url + " is absurdly long");
        }
        page.text += as_text(bytes);
        return {};
      }));
  return page;
}

Result<std::string> digest_of(Files& files, const std::filesystem::path& path,
                              const std::stop_token& stop) {
  Sha256 hash;
  TRY(for_each_piece(files, path, stop, [&](ByteView piece) { hash.update(piece); }));
  return hash.finish();
}

Result<> copy_file(Files& files, const std::filesystem::path& from, const std::filesystem::path& to,
                   const std::stop_token& stop) {
  const FileInfo info = TRY(files.stat(from));
  TRY(check_space(files, to, info.size));
  if (files.exists(to)) TRY(files.remove(to));
  const auto writer = TRY(files.append(to));
  Result<> written;
  TRY(for_each_piece(files, from, stop, [&](ByteView piece) {
    if (written.ok()) written = writer->write(piece);
  }));
  TRY(std::move(written));
  return writer->sync();
}

Result<> check_space(Files& files, const std::filesystem::path& where, Bytes needed) {
  const Bytes free = TRY(files.free_space(where));
  if (free.count >= needed.count + kSpare.count) return {};
  return fail(ErrorKind::resource_exhausted,
              "the disk at " + where.parent_path().string() + " has " + to_string(free) +
                  " left, and " + to_string(Bytes{needed.count + kSpare.count}) + " are needed");
}

}  // namespace quern::catalog
