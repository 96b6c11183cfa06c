#include "tests/support/catch.hpp"
#include "tests/trace/support.hpp"
#include "trace/record/ledger.hpp"

#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace troupe;
using trace::books_in;
using trace::drop_reason;
using trace::ledger;
using trace::read_books;

TEST_CASE("the books add up over threads that come and go", "[trace][ledger]") {
  ledger books;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        books.sent();
        books.handled();
      }
      books.remote_sent(3);
      books.remote_received(5);
      books.dead_lettered(7);
      books.dropped(drop_reason::queue_full, 2);
      books.dropped(drop_reason::shutdown);
    });
  for (auto& t : threads)
    t.join();
  // Waves of short-lived threads take over the slots of those before them.
  for (int t = 0; t < 3'000; ++t)
    std::thread{[&] { books.sent(); }}.join();
  auto sum = books.totals();
  CHECK(sum.sent == 83'000);
  CHECK(sum.handled == 80'000);
  CHECK(sum.remote_sent == 24);
  CHECK(sum.remote_received == 40);
  CHECK(sum.dead_lettered == 56);
  CHECK(sum.dropped[static_cast<std::size_t>(drop_reason::queue_full)] == 16);
  CHECK(sum.dropped_total() == 24);
}

TEST_CASE("more threads at once than slots lose no count", "[trace][ledger]") {
  ledger books;
  tests::gate all_counted;
  std::vector<std::thread> threads;
  for (int t = 0; t < 1'100; ++t)
    threads.emplace_back([&] {
      books.sent();
      all_counted.wait();
      books.sent();
    });
  while (books.totals().sent != 1'100)
    std::this_thread::yield();
  all_counted.open();
  for (auto& t : threads)
    t.join();
  CHECK(books.totals().sent == 2'200);
}

TEST_CASE("a thread may keep the books of several nodes, and outlive them", "[trace][ledger]") {
  for (int round = 0; round < 100; ++round) {
    ledger one, two;
    one.sent();
    two.sent(2);
    one.sent();
    CHECK(one.totals().sent == 2);
    CHECK(two.totals().sent == 2);
  }
}

TEST_CASE("a killed process leaves its books", "[trace][ledger]") {
  testing::temporary_directory dir;
  auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ledger books{{dir.path(), "w1", 7}};
    books.sent(41);
    books.dropped(drop_reason::peer_down);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  const auto kept = read_books(dir.path() / "w1.books");
  CHECK(kept.node == "w1");
  CHECK(kept.incarnation == 7);
  CHECK(kept.counts.sent == 41);
  CHECK(kept.counts.dropped_total() == 1);
}

TEST_CASE("each start of a node has books of its own, and nobody's are touched", "[trace][ledger]") {
  const testing::temporary_directory dir;
  ledger first{{dir.path(), "a", 7}};
  first.sent(5);
  ledger second{{dir.path(), "a", 0xabc}};
  second.sent(3);
  first.handled(2); // its file is still whole: a shorter one would be SIGBUS
  CHECK(std::filesystem::exists(dir.path() / "a.books"));
  CHECK(std::filesystem::exists(dir.path() / "a-0000000000000abc.books"));
  const auto all = books_in(dir.path());
  REQUIRE(all.size() == 2);
  for (const auto& each : all) {
    CHECK(each.node == "a");
    CHECK(each.counts.sent == (each.incarnation == 7 ? 5 : 3));
    CHECK(each.counts.handled == (each.incarnation == 7 ? 2 : 0));
  }
  CHECK_THROWS_AS((ledger{{dir.path(), "a", 7, true}}), std::system_error); // somebody has been there
  CHECK_THROWS_AS((ledger{{dir.path(), "a", 0xabc}}), std::system_error);   // twice the same start
  for (const auto* name : {"", "../a", "a/b", ".hidden"})
    CHECK_THROWS_AS((ledger{{dir.path(), name, 1}}), std::system_error);
}

TEST_CASE("what cannot be read among books is told, and the others are there", "[trace][ledger]") {
  const testing::temporary_directory dir;
  { const ledger good{{dir.path(), "a", 1}}; }
  std::ofstream{dir.path() / "b.books"} << "no books";
  std::filesystem::create_directory(dir.path() / "c.books");
  REQUIRE(mkfifo((dir.path() / "d.books").c_str(), 0600) == 0); // would never answer
  std::vector<std::string> problems;
  CHECK(books_in(dir.path(), &problems).size() == 1);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].find("b.books") != std::string::npos);
  CHECK(problems[1].find("directory") != std::string::npos);
  CHECK(problems[2].find("named pipe") != std::string::npos);
}

TEST_CASE("a file that is no ledger is refused with a sentence", "[trace][ledger]") {
  testing::temporary_directory dir;
  auto refusal = [&](const std::string& content) {
    auto file = dir.path() / "x.books";
    std::ofstream{file, std::ios::binary} << content;
    try {
      (void)read_books(file);
    } catch (const std::runtime_error& e) {
      return std::string{e.what()};
    }
    return std::string{"accepted"};
  };
  CHECK(refusal("").find("it has 0 bytes") != std::string::npos);
  CHECK(refusal(std::string(5000, 'x')).find("it is not a ledger") != std::string::npos);
  auto good = dir.path() / "good.books";
  { ledger books{{dir.path(), "good", 1}}; }
  auto bytes = testing::content_of(good);
  CHECK(refusal(bytes) == "accepted");
  CHECK(refusal(bytes.substr(0, 6000)).find("it ends after 6000 bytes") != std::string::npos);
  bytes[8] = 9;
  CHECK(refusal(bytes).find("version 9") != std::string::npos);
  CHECK_THROWS_AS(read_books(dir.path() / "absent"), std::runtime_error);
  CHECK_THROWS_AS((ledger{{dir.path() / "no", "such", 1}}), std::system_error);
}

TEST_CASE("every reason has a name of its own", "[trace][ledger]") {
  std::vector<std::string_view> seen;
  for (std::size_t i = 0; i < trace::drop_reason_count; ++i) {
    auto name = to_string(static_cast<drop_reason>(i));
    CHECK(name != "unknown");
    CHECK(std::find(seen.begin(), seen.end(), name) == seen.end());
    seen.push_back(name);
  }
}
