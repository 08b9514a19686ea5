#include "insight/actions.hpp"

#include "base/text.hpp"

#include "insight/test_world.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::insight {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Type = ActionOptions::Type;

class ActionsTest : public testing::Test {
 protected:
  // One action; what it does is real unless `change` says otherwise.
  std::unique_ptr<Actions> make(Type type, const std::function<void(ActionOptions&)>& change = {}) {
    ActionOptions action{.name = "act",
                         .type = type,
                         .run = ActionOptions::Run::real,
                         .approval = ActionOptions::Approval::automatic};
    if (change) change(action);
    EXPECT_TRUE(world.files.make_directories(world.folder(), 0700).ok());
    return Actions::create(
               {action}, world.stage(),
               [this](const std::vector<std::string>& command, std::chrono::milliseconds,
                      const std::stop_token& stop) -> Result<int> {
                 commands.lock()->push_back(command);
                 if (hold) (void)clock.sleep(std::chrono::hours(1), stop);
                 return status;
               },
               [this](const Proposal&) { ++*alerts.lock(); })
        .value();
  }
  static Proposal proposal(double confidence = 0.9) {
    return {.action = "act",
            .id = 7,
            .text = "disk <*> \"broke\"; rm -rf /",
            .verdict = {.anomaly = true,
                        .kind = "storage",
                        .severity = mining::Severity::error,
                        .confidence = confidence,
                        .reason = "a disk \"broke\"",
                        .action = "act"}};
  }
  // The words of the audit, one a line; waits until there are so many.
  std::vector<std::string> audit(std::size_t many) {
    std::vector<std::string> what;
    eventually([&] {
      what.clear();
      const auto text = world.files.read(world.folder() / "audit.jsonl", 1_MiB);
      if (text.ok()) {
        for (const std::string_view line : split(as_text(*text), '\n')) {
          if (line.empty()) continue;
          what.emplace_back(logs::text_field(map_of(line), "what").value_or("?"));
        }
      }
      return what.size() >= many;
    });
    return what;
  }

  TestWorld world;
  Guarded<std::vector<std::vector<std::string>>> commands;
  Guarded<int> alerts;
  int status = 0;
  ManualClock clock;  // of commands that are held until they are stopped
  bool hold = false;
};

TEST_F(ActionsTest, AnAlertGoesOutAndIsAudited) {
  const auto actions = make(Type::alert);
  actions->propose(proposal());
  EXPECT_THAT(audit(2), ElementsAre("begun", "done"));
  EXPECT_EQ(*alerts.lock(), 1);
}

TEST_F(ActionsTest, WhatIsNotGrantedOrNotSureOrTooOftenIsRefused) {
  const auto actions = make(Type::alert, [](ActionOptions& action) {
    action.confidence = 0.8;
    action.per_hour = 2;
  });
  Proposal other = proposal();
  other.action = "reboot";
  actions->propose(other);
  actions->propose(proposal(0.5));
  Proposal normal = proposal();
  normal.verdict.anomaly = false;
  actions->propose(normal);
  EXPECT_THAT(audit(3), ElementsAre("refused", "refused", "refused"));
  for (int i = 0; i < 3; ++i) actions->propose(proposal());
  EXPECT_THAT(audit(8), SizeIs(8));
  EXPECT_EQ(actions->figures().done, 2U);
  EXPECT_EQ(actions->figures().refused, 4U);
  world.clock.advance(std::chrono::hours(1));
  actions->propose(proposal());
  EXPECT_THAT(audit(10), SizeIs(10));
  EXPECT_EQ(*alerts.lock(), 3);
}

TEST_F(ActionsTest, NothingIsDoneAboutAllThatFoundNoRoom) {
  const auto actions = make(Type::silence);
  Proposal rest = proposal();
  rest.id = mining::kRest;
  actions->propose(rest);
  EXPECT_THAT(audit(1), ElementsAre("refused"));
  EXPECT_EQ(actions->standing(), nullptr);
}

TEST_F(ActionsTest, WhatWaitsAtTheEndHasFailedAndIsAudited) {
  hold = true;
  const auto actions =
      make(Type::playbook, [](ActionOptions& action) { action.command = {"/opt/fix"}; });
  actions->propose(proposal());
  EXPECT_THAT(audit(1), ElementsAre("begun"));
  actions->propose(proposal());
  actions->stop();
  EXPECT_THAT(audit(3), testing::UnorderedElementsAre("begun", "done", "failed"));
  EXPECT_THAT(*commands.lock(), SizeIs(1));
}

TEST_F(ActionsTest, AnAlertWaitsForNoPlaybook) {
  const auto actions = make(Type::alert);
  actions->propose(proposal());
  EXPECT_EQ(*alerts.lock(), 1) << "it needs no thread";
  actions->stop();
  actions->propose(proposal());
  EXPECT_THAT(audit(3).back(), "failed");
  EXPECT_EQ(*alerts.lock(), 1);
}

TEST_F(ActionsTest, ADryRunDoesNothing) {
  const auto actions = make(Type::playbook, [](ActionOptions& action) {
    action.run = ActionOptions::Run::dry;
    action.command = {"/bin/reboot"};
  });
  actions->propose(proposal());
  EXPECT_THAT(audit(1), ElementsAre("dry run"));
  EXPECT_THAT(*commands.lock(), IsEmpty());
}

TEST_F(ActionsTest, AnApprovalWaitsAcrossARestart) {
  const auto required = [](ActionOptions& action) {
    action.approval = ActionOptions::Approval::required;
  };
  {
    const auto actions = make(Type::alert, required);
    actions->propose(proposal());
    actions->propose(proposal());
    EXPECT_THAT(audit(2), ElementsAre("asked", "refused")) << "it waits already";
  }
  const auto actions = make(Type::alert, required);
  const std::vector<Waiting> waiting = actions->waiting();
  ASSERT_THAT(waiting, SizeIs(1));
  EXPECT_EQ(waiting[0].verdict.reason, "a disk \"broke\"");
  EXPECT_FALSE(actions->approve(waiting[0].number + 1, "anna").ok());
  ASSERT_TRUE(actions->approve(waiting[0].number, "anna").ok());
  EXPECT_EQ(actions->approve(waiting[0].number, "anna").error().kind(), ErrorKind::not_found);
  EXPECT_THAT(audit(5), ElementsAre("asked", "refused", "approved", "begun", "done"));
  EXPECT_EQ(*alerts.lock(), 1);
  actions->propose(proposal());
  ASSERT_TRUE(actions->deny(actions->waiting().at(0).number, "bert").ok());
  EXPECT_THAT(audit(7).back(), "denied");
  EXPECT_THAT(actions->waiting(), IsEmpty());
  EXPECT_EQ(*alerts.lock(), 1);
}

TEST_F(ActionsTest, APlaybookGetsNoTextOfALine) {
  const auto actions = make(Type::playbook, [](ActionOptions& action) {
    action.command = {"/opt/fix", "--id", "{id}", "{class}", "{severity}", "{template}", "x{id}"};
  });
  actions->propose(proposal());
  EXPECT_THAT(audit(2), ElementsAre("begun", "done"));
  EXPECT_THAT(*commands.lock(), ElementsAre(ElementsAre("/opt/fix", "--id", "7", "storage", "error",
                                                        "{template}", "x{id}")));
  status = 3;
  actions->propose(proposal());
  EXPECT_THAT(audit(4).back(), "failed");
}

TEST_F(ActionsTest, AnIssueIsJsonWhateverALineSays) {
  std::string sent;
  world.network.answer_sent(
      [&](const SendRequest& request, const std::string& body) -> Result<SendAnswer> {
        EXPECT_EQ(request.method, "POST");
        EXPECT_EQ(request.url, "https://tracker/issues");
        sent = body;
        return SendAnswer{.status = 201};
      });
  const auto actions = make(Type::issue, [](ActionOptions& action) {
    action.url = "https://tracker/issues";
    action.body = R"({"title": "{class}: {template}", "text": "{reason}", "{odd": 1})";
  });
  actions->propose(proposal());
  EXPECT_THAT(audit(2), ElementsAre("begun", "done"));
  const Buffer map = map_of(sent);
  EXPECT_EQ(logs::text_field(map, "title"), "storage: disk <*> \"broke\"; rm -rf /");
  EXPECT_EQ(logs::text_field(map, "text"), "a disk \"broke\"");
}

TEST_F(ActionsTest, SilenceAndSamplingEnd) {
  const auto actions =
      make(Type::sample, [](ActionOptions& action) { action.lasts = std::chrono::minutes(10); });
  EXPECT_EQ(actions->standing(), nullptr);
  actions->propose(proposal());
  (void)audit(2);
  const auto standing = actions->standing();
  ASSERT_NE(standing, nullptr);
  EXPECT_EQ(standing->sampled.at(7), world.clock.now() + std::chrono::minutes(10));
  EXPECT_THAT(standing->silent, IsEmpty());
}

TEST_F(ActionsTest, WhatTheAuditCannotTakeIsNotDone) {
  const auto actions = make(Type::alert);
  world.files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "full"));
  actions->propose(proposal());
  eventually([&] { return actions->figures().failed >= 1; });
  EXPECT_EQ(*alerts.lock(), 0);
}

TEST_F(ActionsTest, AnApprovalThatCannotBeWrittenWaitsAsBefore) {
  const auto actions = make(Type::alert, [](ActionOptions& action) {
    action.approval = ActionOptions::Approval::required;
  });
  actions->propose(proposal());
  for (const auto say : {&Actions::approve, &Actions::deny}) {
    if (actions->waiting().empty()) actions->propose(proposal());
    const std::uint64_t number = actions->waiting().at(0).number;
    int failures = 0;
    for (bool said = false; !said; failures += said ? 0 : 1) {
      ASSERT_THAT(actions->waiting(), SizeIs(1)) << failures;
      world.files.fail_at_change(failures + 1, Error(ErrorKind::resource_exhausted, "full"));
      said = ((*actions).*say)(number, "anna").ok();
      world.files.work_again();
    }
    EXPECT_GE(failures, 2) << "of the approvals and of the audit";
    EXPECT_THAT(actions->waiting(), IsEmpty());
  }
  world.files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "full"));
  actions->propose(proposal());
  world.files.work_again();
  EXPECT_THAT(actions->waiting(), IsEmpty()) << "nobody was told";
}

TEST(RunCommand, TellsItsStatusAndKillsWhatTakesTooLong) {
  EXPECT_EQ(*run_command({"/bin/sh", "-c", "exit 3"}, std::chrono::seconds(60), {}), 3);
  EXPECT_EQ(*run_command({"/bin/sh", "-c", "test \"$HOME\" = \"\""}, std::chrono::seconds(60), {}),
            0);
  EXPECT_EQ(run_command({"/no/such"}, std::chrono::seconds(60), {}).error().kind(),
            ErrorKind::unavailable);
  // It has a child of its own, which goes with it: else this never ends.
  EXPECT_EQ(
      run_command({"/bin/sh", "-c", "sleep 1000000 & wait"}, std::chrono::milliseconds(50), {})
          .error()
          .kind(),
      ErrorKind::deadline_exceeded);
}

}  // namespace
}  // namespace quern::insight
