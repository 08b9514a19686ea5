// Verdicts that were given: by template, by what was asked about, and by policy.
#pragma once

#include "base/files.hpp"

#include "insight/insight.hpp"
#include "insight/verdict.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quern::insight {

// What of a template was unusual.
enum class About : std::uint8_t { line, rate, parameter, session };
std::string_view to_string(About about);

struct Key {
  mining::TemplateId id = mining::kRest;
  About about = About::line;
  auto operator<=>(const Key&) const = default;
};

struct Kept {
  enum class Source : std::uint8_t { model, person };
  Verdict verdict;
  Source source = Source::model;
  std::string line;  // that was asked about
  std::string who;   // the person
  std::int64_t time = 0;
};

// Of whoever locks it.
class VerdictCache {
 public:
  // Entries of models under another policy are not read; a person's are, and stay in the file while
  // `words` has not their class or action.
  static Result<VerdictCache> load(Files& files, const std::filesystem::path& file,
                                   std::string policy, const Vocabulary& words);

  std::shared_ptr<const Kept> find(Key key) const;
  // Nothing is said about what found no room (kRest). A person's verdict is not replaced by a
  // model's. Beyond `kMost` the oldest of models go.
  void put(Key key, Kept kept);
  // Templates became part of others: so did what was said about them.
  void follow(const std::function<mining::TemplateId(mining::TemplateId)>& now);
  // Those of people, the newest first.
  std::vector<std::shared_ptr<const Kept>> examples(std::size_t most) const;
  // Templates of which a person spoke.
  std::vector<mining::TemplateId> of_people() const;
  std::size_t size() const { return kept_.size(); }
  const std::string& policy() const { return policy_; }

  // All of it as lines of JSON, when it changed.
  std::optional<std::string> due();
  void again() { changed_ = true; }

  static constexpr std::size_t kMost = 16'384;

 private:
  explicit VerdictCache(std::string policy) : policy_(std::move(policy)) {}
  void drop_oldest();

  std::string policy_;
  std::map<Key, std::shared_ptr<const Kept>> kept_;
  std::vector<Buffer> unread_;  // people's lines whose class or action is not configured now
  bool changed_ = false;
};

}  // namespace quern::insight
