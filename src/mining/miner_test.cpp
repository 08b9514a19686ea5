#include "base/text.hpp"

#include "mining/mining.hpp"
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace quern::mining {
namespace {

std::vector<std::string> texts(const Miner& miner) {
  std::vector<std::string> all;
  for (const Template& one : miner.templates()) all.push_back(one.text);
  return all;
}

TEST(Miner, LinesThatDifferInValuesShareATemplate) {
  Miner miner;
  const Seen first = miner.learn("connection from 10.0.0.7 (port 22)");
  EXPECT_TRUE(first.is_new);
  const Seen second = miner.learn("connection from 192.168.1.1 (port 8022)");
  EXPECT_FALSE(second.is_new);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(miner.at(first.id).text, "connection from <*> (port <*>)");
  EXPECT_EQ(miner.at(first.id).count, 2U);
  ASSERT_EQ(miner.parameters().size(), 2U);
  EXPECT_EQ(miner.parameters()[0], "192.168.1.1");
}

TEST(Miner, AWordThatVariesBecomesAHoleAndTheOldestIdGoesOn) {
  Miner miner;
  const TemplateId first = miner.learn("service alpha was restarted").id;
  const TemplateId second = miner.learn("service beta was restarted").id;
  EXPECT_NE(first, second);
  for (const char* name : {"gamma", "delta", "epsilon", "zeta"}) {
    miner.learn("service " + std::string(name) + " was restarted");
  }
  EXPECT_EQ(texts(miner), std::vector<std::string>{"service <*> was restarted"});
  EXPECT_EQ(miner.now(second), first);
  EXPECT_EQ(miner.at(first).count, 6U);
  const Seen other = miner.learn("service omega was restarted");
  EXPECT_EQ(other.id, first);
  EXPECT_FALSE(other.is_new);
}

TEST(Miner, AFewWordsAtOnePlaceStayApart) {
  Miner miner;
  for (int i = 0; i < 100; ++i) {
    for (const char* state : {"Paused", "Resumed", "Started", "Stopped"}) {
      miner.learn("[instance: 4711] VM " + std::string(state) + " (Lifecycle Event)");
    }
  }
  EXPECT_EQ(miner.templates().size(), 4U);
}

TEST(Miner, WhatWasJoinedHasAHoleWhereverItsLinesDiffer) {
  Miner miner;
  miner.learn("job ape paints tan walls");
  for (const char* who : {"bee", "cat", "dog", "elk", "fox", "ape"}) {
    miner.learn("job " + std::string(who) + " paints red walls");
  }
  for (const char* how : {"sea", "sky", "ivy", "ash"}) {
    miner.learn("job ape paints " + std::string(how) + " walls");
  }
  std::uint64_t lines = 0;
  for (const Template& one : miner.templates()) {
    lines += one.count;
    // What is written out stands in all of its lines.
    if (one.count > 5) {
      EXPECT_EQ(one.text.find("ape"), std::string::npos) << one.text;
    }
  }
  EXPECT_EQ(lines, 11U);
}

TEST(Miner, AnyNumberOfNamesTakesBoundedMemory) {
  Miner miner({.templates = 100});
  for (int i = 0; i < 20'000; ++i) {
    std::string name = "x";
    for (int n = i; n > 0; n /= 20) name.push_back(static_cast<char>('g' + n % 20));
    miner.learn(name + "=yes");
    miner.learn(name + "=7");
  }
  EXPECT_LT(miner.save().size(), 400'000U);
}

TEST(Miner, ANameIsAnnounced) {
  Miner miner;
  const TemplateId first = miner.learn("session opened for user cyrus by root").id;
  EXPECT_EQ(miner.learn("session opened for user news by root").id, first);
  EXPECT_EQ(texts(miner), std::vector<std::string>{"session opened for user <*> by root"});
  // A value first or last, it is the same.
  EXPECT_EQ(miner.learn("session opened for user test9 by root").id, first);
}

TEST(Miner, ValuesBehindANameAreHolesOnceThereAreMany) {
  Miner miner;
  for (const char* user : {"root", "guest", "test"})
    miner.learn("auth failed user=" + std::string(user));
  EXPECT_EQ(miner.templates().size(), 3U);
  for (const char* user : {"ftp", "uucp", "news"})
    miner.learn("logged in, user=" + std::string(user));
  EXPECT_EQ(texts(miner),
            (std::vector<std::string>{"auth failed user=<*>", "logged in, user=<*>"}));
}

TEST(Miner, SavedAndLoadedItGoesOnAsIfNothingHadHappened) {
  const auto line = [](int i) {
    static const char* const kNames[] = {"alpha", "beta",        "gamma",
                                         "delta", "eps\x01ilon", "z*\\ta"};
    return "service " + std::string(kNames[i % 6]) + " mode=" + kNames[(i / 2) % 6] +
           " was restarted";
  };
  for (int cut = 0; cut < 24; ++cut) {
    Miner whole;
    Miner before;
    for (int i = 0; i < cut; ++i) EXPECT_EQ(whole.learn(line(i)).id, before.learn(line(i)).id);
    Result<Miner> after = Miner::load(before.save());
    ASSERT_TRUE(after) << after.error().message();
    EXPECT_EQ(after->save(), before.save());
    for (int i = cut; i < 24; ++i)
      EXPECT_EQ(whole.learn(line(i)).id, after->learn(line(i)).id) << cut;
    EXPECT_EQ(texts(whole), texts(*after)) << cut;
  }
}

TEST(Miner, AStateThatIsNoneIsAnErrorThatShowsTheLine) {
  const std::string head = "quern-templates 1\n";
  EXPECT_EQ(Miner::load("").error().kind(), ErrorKind::corrupt_data);
  for (const char* line : {"template 2 1 0",   "template 1 9 0",
                           "template x 1 0",   "template 0 0 -1",
                           "shape 7 0 _a",     "shape 0 0 a",
                           "shape 0 2 _a",     "shape 0 0 _\\x4",
                           "shape 0 0 _\\x01", "value a\x01z b",
                           "value a",          "what",
                           "next x",           "gone",
                           "gone -1",          "part 2 1",
                           "part 2 0",         "part 2 2",
                           "part x 1",         "template 4294967295 4294967295 0"}) {
    const Result<Miner> loaded = Miner::load(head + line + "\n");
    ASSERT_FALSE(loaded) << line;
    EXPECT_EQ(loaded.error().kind(), ErrorKind::corrupt_data);
    EXPECT_NE(loaded.error().message().find(printable(line, 80)), std::string::npos)
        << loaded.error().message();
  }
}

TEST(Miner, WordsOfAnAttackerFillNoMemory) {
  Miner miner({.templates = 100});
  const auto words = [](unsigned seed) {  // letters only
    std::string line;
    for (int i = 0; i < 40; ++i, seed = seed * 1'103'515'245U + 12345U) {
      line += std::string(1, static_cast<char>('g' + (seed >> 16U) % 20U)) + "oo ";
    }
    return line;
  };
  std::uint64_t lines = 0;
  for (unsigned i = 0; i < 3000; ++i, ++lines) miner.learn(words(i));
  const std::vector<Template> all = miner.templates();
  EXPECT_LE(all.size(), 101U);
  std::uint64_t counted = 0;
  for (const Template& one : all) counted += one.count;
  EXPECT_EQ(counted, lines) << "a line is in none";
  EXPECT_EQ(all.front().id, kRest);
}

TEST(Miner, ALineOfAnyLengthIsTaken) {
  Miner miner;
  const TemplateId id = miner.learn(std::string(4096, 'x') + " tail one").id;
  EXPECT_EQ(miner.learn(std::string(4096, 'x') + " other").id, id);
  EXPECT_EQ(miner.learn("").id, miner.learn("   ").id);
}

TEST(Miner, TellsParametersByTheHolesOfTheTemplate) {
  Miner miner;
  for (const char* who : {"anna", "bert", "carl", "dora", "emil", "fritz", "gerd"}) {
    miner.learn(std::string("user ") + who + " logged in from 10.0.0.7");
  }
  // A name that looks like a value, and one that does not, stand in the same place.
  for (const char* who : {"hans", "user42"}) {
    const std::string line = std::string("user ") + who + " logged in from 10.0.0.8";
    const Seen seen = miner.learn(line);
    EXPECT_EQ(miner.at(seen.id).text, "user <*> logged in from <*>");
    ASSERT_EQ(miner.parameters().size(), 2U) << line;
    EXPECT_EQ(miner.parameters()[0], who);
    EXPECT_EQ(miner.parameters()[1], "10.0.0.8");
  }
}

TEST(Miner, WordsOfAllTemplatesAreBounded) {
  Miner miner({.bytes = 10'000});
  for (int i = 0; i < 100; ++i) {
    const std::string word(1000, static_cast<char>('g' + i % 10));
    miner.learn("k" + std::string(static_cast<std::size_t>(i), 'x') + " " + word);
  }
  EXPECT_LE(miner.templates().size(), 12U);
  EXPECT_GT(miner.at(kRest).count, 80U);
  EXPECT_LT(miner.save().size(), 40'000U);
  Miner loaded = Miner::load(miner.save(), {.bytes = 10'000}).value();
  loaded.learn("entirely new words");
  EXPECT_LE(loaded.templates().size(), 12U) << "it is as full as before";
}

// `count` words of letters, others for each number.
std::string line_of(unsigned number, int count = 4) {
  std::string line;
  for (int i = 0; i < count; ++i) {
    line += line.empty() ? "" : " ";
    for (unsigned rest = number * 31 + static_cast<unsigned>(i); rest > 0; rest /= 20) {
      line.push_back(static_cast<char>('g' + rest % 20));
    }
  }
  return line;
}

TEST(Miner, ThoseNotSeenForLongestMakeRoomAndTheirIdsAreNeverGivenAgain) {
  Miner miner({.templates = 64});
  const TemplateId steady = miner.learn("the steady one").id;
  const TemplateId kept = miner.learn("of which a person spoke").id;
  miner.keep(kept);
  TemplateId before = kept;
  for (unsigned i = 1; i < 2000; ++i) {
    const Seen seen = miner.learn(line_of(i));
    ASSERT_TRUE(seen.is_new) << i;
    ASSERT_GT(seen.id, before) << "an id was given twice";
    before = seen.id;
    EXPECT_EQ(miner.learn("the steady one").id, steady);
  }
  EXPECT_LE(miner.templates().size(), 65U);
  EXPECT_EQ(miner.at(kept).text, "of which a person spoke");
  EXPECT_EQ(miner.now(3), kRest);
  EXPECT_FALSE(miner.knows(3));
  EXPECT_EQ(miner.at(3).text, miner.at(kRest).text);
  EXPECT_EQ(miner.forgotten(), 2001 - (miner.templates().size() - 1));
  std::uint64_t lines = 0;
  for (const Template& one : miner.templates()) lines += one.count;
  EXPECT_EQ(lines, 2U + 2 * 1999U) << "what went was counted on";
  // Also when the newest is the first to go after a restart.
  Miner loaded = Miner::load(miner.save(), {.templates = 64}).value();
  EXPECT_EQ(loaded.learn("quite new words").id, before + 1);
  EXPECT_EQ(loaded.learn("the steady one").id, steady);
}

TEST(Miner, WhatBecamePartOfOneThatGoesGoesToo) {
  Miner miner({.templates = 64});
  for (const char* name : {"alpha", "beta", "gamma", "delta", "epsilon", "zeta"}) {
    miner.learn("service " + std::string(name) + " was restarted");
  }
  EXPECT_EQ(miner.joined().size(), 5U);
  for (unsigned i = 1; i < 200; ++i) miner.learn(line_of(i));
  EXPECT_TRUE(miner.joined().empty());
  for (TemplateId id = 1; id <= 6; ++id) EXPECT_EQ(miner.now(id), kRest);
  EXPECT_GT(miner.learn("service omega was restarted").id, 200U);
}

// Lines that were seen lately lead to none that went, also where a part of another went alone.
TEST(Miner, APartThatGoesLeavesNothingBehindThatLeadsToIt) {
  Miner miner({.templates = 64});
  const auto line = [](const char* word) {
    return "paint the " + std::string(word) + " wall now please";
  };
  const TemplateId first = miner.learn(line("red")).id;
  for (const char* word : {"green", "blue", "white", "black", "brown"}) miner.learn(line(word));
  ASSERT_EQ(miner.joined().size(), 5U);
  for (unsigned i = 1; i < 200 && miner.erased() == 0; ++i) {
    miner.learn(line("red"));  // the whole stays young
    miner.learn(line_of(i));
  }
  ASSERT_EQ(miner.erased(), 5U);
  ASSERT_EQ(miner.forgotten(), 0U) << "parts alone went";
  // Others lie where they lay.
  for (unsigned i = 200; i < 204; ++i) miner.learn(line_of(i));
  for (const char* word : {"green", "blue", "white", "black", "brown"}) {
    EXPECT_EQ(miner.learn(line(word)).id, first) << word;
  }
  // Their ids are in records and questions that went out.
  const Miner loaded = Miner::load(miner.save(), {.templates = 64}).value();
  for (const Miner* one : {&std::as_const(miner), &loaded}) {
    EXPECT_EQ(one->joined().size(), 5U);
    for (TemplateId id = 2; id <= 6; ++id) {
      EXPECT_TRUE(one->knows(id));
      EXPECT_EQ(one->now(id), first);
      EXPECT_EQ(one->at(id).text, "paint the <*> wall now please");
    }
  }
}

TEST(Miner, IdsOfPartsThatMadeRoomAreBounded) {
  Miner miner({.templates = 64});
  TemplateId last = kRest;
  TemplateId whole = kRest;
  unsigned number = 1000;
  for (unsigned group = 1; group <= 30; ++group) {
    for (const char* word : {"red", "green", "blue", "white", "black", "brown"}) {
      last = miner.next();
      miner.learn(line_of(group, 3) + " paints the " + word + " wall");
    }
    whole = miner.now(last);
    miner.keep(whole);
    for (unsigned i = 0; i < 64; ++i) miner.learn(line_of(++number));
  }
  EXPECT_LE(miner.joined().size(), 128U);
  EXPECT_EQ(miner.now(last), whole);
  EXPECT_FALSE(miner.knows(2)) << "the oldest goes first";
}

TEST(Miner, NothingIsNotedBeforeChangesAreAskedFor) {
  Miner miner;
  for (unsigned i = 1; i < 50; ++i) miner.learn("job=" + line_of(i, 1) + " " + line_of(i));
  EXPECT_FALSE(miner.has_changes());
  EXPECT_EQ(miner.changes(), "");
  miner.learn("one more line");
  EXPECT_TRUE(miner.has_changes());
}

TEST(Miner, WhatWasAppendedIsReadAsFarAsItMakesSense) {
  Miner miner;
  const TemplateId one = miner.learn("one line").id;
  const std::string whole = miner.save() + miner.changes();
  const TemplateId two = miner.learn("two lines here").id;
  std::string torn = whole + miner.changes();
  torn += std::string(4096, '\0') + "\ntemplate 9 1 0 0\nnext 77\n";
  Result<Miner> loaded = Miner::load(torn);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message();
  EXPECT_GT(loaded->unread(), 4096U);
  EXPECT_EQ(loaded->learn("one line").id, one);
  EXPECT_EQ(loaded->learn("two lines here").id, two);
  EXPECT_FALSE(loaded->knows(9)) << "it stands behind the tear";
  EXPECT_EQ(loaded->learn("three of them now").id, 77U) << "others may have been given";
  // In the whole itself it is damage.
  std::string damaged = whole;
  damaged.insert(damaged.rfind("end"), "\x1b[2Jnonsense\n");
  loaded = Miner::load(damaged);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().message().find('\x1b'), std::string::npos);
}

// As the program is killed behind any line.
TEST(Miner, ChangesBehindASavedStateAreAsIfAllHadBeenSaved) {
  const auto line = [](unsigned i) {
    const std::string name = line_of(i * 7 % 13, 1);
    switch (i % 4) {
      case 0: return "service " + name + " was restarted";
      case 1: return "job " + line_of(i % 5, 1) + " of " + name + " mode=" + name + " ended";
      case 2: return "session opened for user " + name + " by root";
      default: return line_of(i);
    }
  };
  constexpr MinerOptions kOptions{.templates = 64};
  Miner miner(kOptions);
  std::string state = miner.save() + miner.changes();
  for (unsigned i = 1; i < 300; ++i) {
    (void)miner.learn(line(i));
    state += miner.changes();
    Result<Miner> after = Miner::load(state, kOptions);
    ASSERT_TRUE(after.ok()) << after.error().message();
    EXPECT_EQ(after->next(), miner.next()) << i;
    for (TemplateId id = 0; id < miner.next(); ++id) {
      ASSERT_EQ(after->now(id), miner.now(id)) << i << ": " << id;
      ASSERT_EQ(after->at(id).text, miner.at(id).text) << i << ": " << id;
    }
    if (i % 50 == 0) state = miner.save();
  }
  EXPECT_GT(miner.forgotten(), 0U);
  EXPECT_GT(miner.joined().size(), 0U);
  EXPECT_EQ(miner.changes(), "");
}

TEST(Miner, GivesNoIdBeyondWhatIsAllowed) {
  Miner miner;
  miner.allow(3);
  EXPECT_EQ(miner.learn("one").id, 1U);
  EXPECT_EQ(miner.learn("two here").id, 2U);
  EXPECT_EQ(miner.learn("three here now").id, kRest);
  EXPECT_EQ(miner.learn("one").id, 1U);
  miner.allow(1000);
  EXPECT_EQ(miner.learn("three here now").id, 3U);
  Miner loaded = Miner::load(miner.save()).value();
  EXPECT_EQ(loaded.learn("four").id, 1000U) << "others below may have been given";
  miner.allow(miner.next());
  EXPECT_EQ(Miner::load(miner.save())->learn("four").id, 4U);
}

TEST(Miner, ALongLineIsNotedByItsFirstWordsAlone) {
  Miner miner;
  const std::string tail(4000, 'x');
  TemplateId first = kRest;
  for (unsigned i = 1; i <= 6; ++i) {
    const TemplateId id = miner.learn("job " + line_of(i, 1) + " runs with " + tail).id;
    if (i == 1) first = id;
  }
  EXPECT_EQ(miner.now(6), first) << "the second word varies";
}

}  // namespace
}  // namespace quern::mining
