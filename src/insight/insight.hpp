// insight: the model in the stream of logs, at a price one can pay (docs/decisions/0028).
//
// For:     two filters. `templates` tells each record which template its line has. `insight` also
//          asks the model about templates that are unusual, once each, acts on its verdicts as far
//          as it was granted, and ships less.
// Refuses: a call of the model per line, tools for the model, and any verdict's word against a
//          rule: what a rule calls an alarm stays one.
// Owns:    a filter owns its state folder (docs/formats/insight.md): what it learned, verdicts,
//          budgets and the audit outlive the program. An Insight owns its threads.
// Threads: every method of any thread. No record waits for the model, unless the options say so.
// Errors:  invalid_argument (settings), unavailable (somebody has the folder), corrupt_data (a
//          state that is none), not_found (an approval or template that is not there).
//
//     logs::Makers makers;
//     insight::add_filters(makers, [&](std::string_view model) { return judge_of(model); });
//     ... one of the pipeline's filters, dynamic_cast to Insight ...
//     insight->correct({.id = 7, .verdict = {.anomaly = false, .kind = "other"}});
#pragma once

#include "base/deadline.hpp"
#include "base/result.hpp"

#include "logs/stage.hpp"
#include "mining/gate.hpp"
#include "mining/mining.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::insight {

// ---- the model -----------------------------------------------------------------------------

struct Verdict {
  bool anomaly = false;
  std::string kind;  // one of the configured classes
  mining::Severity severity = mining::Severity::info;
  double confidence = 0;  // 0 to 1
  std::string reason;     // at most 200 bytes, printable
  std::string action;     // the name of a configured action; empty: none
};

// A question whose text is ready, and what it was made of.
struct Question {
  mining::TemplateId id = mining::kRest;
  std::vector<std::string> lines;  // as they came: for judges that are no model
  std::string system;
  // Questions like this one and what a person answered.
  std::vector<std::pair<std::string, std::string>> examples;
  std::string user;
  std::string grammar;  // GBNF that the answer must follow
  std::uint32_t max_tokens = 320;
};

struct Said {
  std::string text;
  std::uint64_t tokens = 0;  // of question and answer
};

// Called by one thread, a question at a time.
class Judge {
 public:
  virtual ~Judge() = default;
  // Which model: a verdict of another is asked for anew.
  virtual std::string name() const = 0;
  // unavailable: the model was not asked, which costs no tokens.
  virtual Result<Said> answer(const Question& question, Deadline deadline,
                              const std::stop_token& stop) = 0;
};

// ---- the filter ----------------------------------------------------------------------------

// What a person says about a template, kept for good and shown to the model as an example.
struct Correction {
  mining::TemplateId id = mining::kRest;
  Verdict verdict;
  std::string who;
};

// An action that waits for a person's word.
struct Waiting {
  std::uint64_t number = 0;
  std::string action;
  mining::TemplateId id = mining::kRest;
  std::string text;  // of the template
  Verdict verdict;
  std::int64_t since = 0;  // seconds since 1970
  std::string question;    // that the verdict answers: about what, under which policy
};

// Raw records that are still here.
struct Search {
  std::optional<mining::TemplateId> id;
  std::int64_t from = 0;        // seconds since 1970
  std::int64_t to = INT64_MAX;  // the last second that is wanted
  std::string text;             // part of the line; empty: any
  std::size_t limit = 100;      // at most 10,000
};
struct Found {
  mining::TemplateId id = mining::kRest;
  logs::EventTime time;
  std::string tag;
  Buffer record;
};

struct InsightParts;
struct InsightShell;

class Insight final : public logs::Filter {
 public:
  // Keys: docs/guides/pipelines/model.md. `judge` may be null: then the gate decides alone.
  static Result<std::unique_ptr<Insight>> create(Settings& settings, const logs::StageWorld& world,
                                                 std::shared_ptr<Judge> judge);
  ~Insight() override;

  logs::Filtered apply(logs::Batch batch, const std::stop_token& stop) override;
  logs::Filtered flush(logs::Due due) override;
  std::vector<logs::Figure> figures() const override;
  // snapshot, search, approvals, approve, deny, correct: docs/formats/insight.md.
  Result<std::string> answer(const logs::StageCall& call) override;

  // Of all that follows: unavailable while another has the state folder, as the one before has it
  // for a moment when a pipeline changes.

  // All that a page shows, as JSON (docs/formats/insight.md).
  Result<std::string> snapshot() const;

  // invalid_argument: a class or action that is not configured; not_found: no such template.
  Result<> correct(const Correction& correction);

  Result<std::vector<Waiting>> approvals() const;
  // not_found: it does not wait (any more). `who` stands in the audit.
  Result<> approve(std::uint64_t number, std::string_view who);
  Result<> deny(std::uint64_t number, std::string_view who);

  // By time. unsupported: nothing is kept here (ship = "all").
  Result<std::vector<Found>> search(const Search& search) const;

 private:
  explicit Insight(std::unique_ptr<InsightShell> shell);
  Result<std::shared_ptr<InsightParts>> parts() const;
  std::unique_ptr<InsightShell> shell_;
};

// The judge for the model of this name (the key `model`).
using JudgeOf = std::function<Result<std::shared_ptr<Judge>>(std::string_view model)>;

void add_filters(logs::Makers& makers, JudgeOf judge_of);

}  // namespace quern::insight
