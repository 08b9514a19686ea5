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
  // Its alerts leave at once.
  static void propose(Actions& actions, const Proposal& proposal) {
    actions.propose(proposal);
    actions.hand_over();
    actions.hand_over();
  }
  // The words of the audit, one a line; waits until there are so many.
  std::vector<std::string> audit(std::size_t many) {
    std::vector<std::string> what;
    eventually([&] {
      what.clear();
      const auto text = world.files.read(world.folder() / "audit.jsonl", 1_MiB);
      if (text.ok()) {
        for (const std::string_view line : split(as_text(*text), '\n')) {
          Buffer map;
          if (!logs::from_json(line, map).ok()) continue;  // empty, or the half of a killed one
          what.emplace_back(logs::text_field(map, "what").value_or("?"));
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
  EXPECT_THAT(audit(2), ElementsAre("approved", "begun"));
  EXPECT_EQ(*alerts.lock(), 1);
  actions->hand_over();
  EXPECT_THAT(audit(2), ElementsAre("approved", "begun")) << "its record is on the way";
  actions->hand_over();
  EXPECT_THAT(audit(3), ElementsAre("approved", "begun", "done"));
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
  for (int i = 0; i < 3; ++i) propose(*actions, proposal());
  EXPECT_THAT(audit(10), SizeIs(10));
  EXPECT_EQ(actions->figures().done, 2U);
  EXPECT_EQ(actions->figures().refused, 4U);
  world.clock.advance(std::chrono::hours(1));
  propose(*actions, proposal());
  EXPECT_THAT(audit(13), SizeIs(13));
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
  EXPECT_THAT(audit(2), ElementsAre("approved", "begun"));
  actions->propose(proposal());
  actions->stop();
  EXPECT_THAT(audit(5),
              testing::UnorderedElementsAre("approved", "begun", "approved", "done", "failed"));
  EXPECT_THAT(*commands.lock(), SizeIs(1));
}

TEST_F(ActionsTest, AnAlertWaitsForNoPlaybook) {
  const auto actions = make(Type::alert);
  actions->propose(proposal());
  EXPECT_EQ(*alerts.lock(), 1) << "it needs no thread";
  actions->stop();
  actions->propose(proposal());
  EXPECT_THAT(audit(4).back(), "failed");
  EXPECT_EQ(*alerts.lock(), 1);
}

TEST_F(ActionsTest, ADryRunDoesNothing) {
  const auto actions = make(Type::playbook, [](ActionOptions& action) {
    action.run = ActionOptions::Run::dry;
    action.command = {"/bin/reboot"};
  });
  actions->propose(proposal());
  EXPECT_THAT(audit(2), ElementsAre("approved", "dry run"));
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
  actions->hand_over();
  actions->hand_over();
  EXPECT_EQ(actions->approve(waiting[0].number, "anna").error().kind(), ErrorKind::not_found);
  EXPECT_THAT(audit(5), ElementsAre("asked", "refused", "approved", "begun", "done"));
  EXPECT_EQ(*alerts.lock(), 1);
  Proposal other = proposal();
  other.question = "rate";
  actions->propose(other);
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
  EXPECT_THAT(audit(3), ElementsAre("approved", "begun", "done"));
  EXPECT_THAT(*commands.lock(), ElementsAre(ElementsAre("/opt/fix", "--id", "7", "storage", "error",
                                                        "{template}", "x{id}")));
  status = 3;
  actions->propose(proposal());
  EXPECT_THAT(audit(6).back(), "failed");
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
  EXPECT_THAT(audit(3), ElementsAre("approved", "begun", "done"));
  const Buffer map = map_of(sent);
  EXPECT_EQ(logs::text_field(map, "title"), "storage: disk <*> \"broke\"; rm -rf /");
  EXPECT_EQ(logs::text_field(map, "text"), "a disk \"broke\"");
}

TEST_F(ActionsTest, SilenceAndSamplingEnd) {
  const auto actions =
      make(Type::sample, [](ActionOptions& action) { action.lasts = std::chrono::minutes(10); });
  EXPECT_EQ(actions->standing(), nullptr);
  actions->propose(proposal());
  (void)audit(3);
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

// What follows a kill is no change of the disk any more.
class KilledActionsTest : public ActionsTest {
 protected:
  void kill(std::unique_ptr<Actions>& actions) {
    world.files.fail_at_change(1, Error(ErrorKind::unavailable, "killed"));
    actions.reset();
    world.files.work_again();
  }
  static void playbook(ActionOptions& action) {
    action.command = {"/opt/fix"};
    action.per_hour = 3;
  }
  static Proposal about(mining::TemplateId id, std::string question = "line p") {
    Proposal one = proposal();
    one.id = id;
    one.question = std::move(question);
    return one;
  }
};

TEST_F(KilledActionsTest, WhatWasBegunIsNotBegunAgainForTheSameQuestion) {
  auto actions = make(Type::playbook, playbook);
  actions->propose(about(7));
  EXPECT_THAT(audit(3), ElementsAre("approved", "begun", "done"));
  kill(actions);
  actions = make(Type::playbook, playbook);
  actions->propose(about(7));
  EXPECT_THAT(audit(4).back(), "refused");
  EXPECT_THAT(*commands.lock(), SizeIs(1));
  actions->propose(about(7, "rate p"));
  EXPECT_THAT(audit(7).back(), "done") << "another question may have the same answer";
  EXPECT_THAT(*commands.lock(), SizeIs(2));
}

TEST_F(KilledActionsTest, WhatWasOnItsWayHasFailed) {
  hold = true;
  auto actions = make(Type::playbook, playbook);
  actions->propose(about(7));
  EXPECT_THAT(audit(2), ElementsAre("approved", "begun"));
  actions->propose(about(8));
  (void)audit(3);
  kill(actions);
  hold = false;
  actions = make(Type::playbook, playbook);
  EXPECT_THAT(audit(5), ElementsAre("approved", "begun", "approved", "failed", "failed"));
  EXPECT_EQ(actions->figures().failed, 2U);
  actions->propose(about(7));
  EXPECT_THAT(audit(6).back(), "refused") << "nobody knows how far it came";
  actions->propose(about(8));
  EXPECT_THAT(audit(9).back(), "done") << "it had not begun";
  EXPECT_THAT(*commands.lock(), SizeIs(2));
}

TEST_F(KilledActionsTest, ThePastHourCounts) {
  auto actions = make(Type::playbook, playbook);
  actions->propose(about(1));
  (void)audit(3);
  world.clock.advance(std::chrono::minutes(50));
  actions->propose(about(2));
  actions->propose(about(3));
  (void)audit(9);
  kill(actions);
  actions = make(Type::playbook, playbook);
  actions->propose(about(4));
  EXPECT_THAT(audit(10).back(), "refused");
  world.clock.advance(std::chrono::minutes(10));
  actions->propose(about(5));
  EXPECT_THAT(audit(13).back(), "done");
  actions->propose(about(6));
  EXPECT_THAT(audit(14).back(), "refused");
}

TEST_F(KilledActionsTest, AnAlertThatMayNotHaveLeftIsSentAgain) {
  auto actions = make(Type::alert);
  actions->propose(about(7));
  kill(actions);
  actions = make(Type::alert);
  EXPECT_EQ(*alerts.lock(), 2);
  actions->hand_over();
  actions->hand_over();
  kill(actions);
  actions = make(Type::alert);
  EXPECT_EQ(*alerts.lock(), 2);
  actions->propose(about(7));
  EXPECT_EQ(*alerts.lock(), 2);
}

TEST_F(KilledActionsTest, AnApprovalWaitsUntilItWasSaidAndBegun) {
  const auto required = [](ActionOptions& action) {
    playbook(action);
    action.approval = ActionOptions::Approval::required;
  };
  for (int change = 1; change < 12; ++change) {
    auto actions = make(Type::playbook, required);
    actions->propose(about(static_cast<mining::TemplateId>(change)));
    ASSERT_THAT(actions->waiting(), SizeIs(1)) << change;
    const std::size_t before = commands.lock()->size();
    world.files.fail_at_change(change, Error(ErrorKind::unavailable, "killed"));
    const bool said = actions->approve(actions->waiting().at(0).number, "anna").ok();
    kill(actions);
    actions = make(Type::playbook, required);
    const bool waits = !actions->waiting().empty();
    EXPECT_TRUE(said || waits) << change;
    EXPECT_FALSE(waits && commands.lock()->size() > before) << change;
    if (waits) {
      ASSERT_TRUE(actions->deny(actions->waiting().at(0).number, "anna").ok());
    }
    world.clock.advance(std::chrono::hours(1));
  }
}

TEST_F(KilledActionsTest, AnAuditOfManyPartsIsReadFromItsEnd) {
  Audit audit(world.files, world.clock, world.folder() / "audit.jsonl");
  ASSERT_TRUE(world.files.make_directories(world.folder(), 0700).ok());
  const std::string text(900, 'x');
  for (mining::TemplateId id = 1; id <= 3000; ++id) {
    ASSERT_TRUE(audit.write({.what = "done", .action = "act", .id = id, .text = text}).ok());
    if (id == 500) world.clock.advance(std::chrono::hours(2));
  }
  const auto last = audit.last(std::chrono::hours(1)).value();
  ASSERT_THAT(last, SizeIs(2500));
  EXPECT_EQ(last.front().id, 501U);
  EXPECT_EQ(last.back().id, 3000U);
  EXPECT_THAT(audit.last(std::chrono::hours(3)).value(), SizeIs(3000));
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
