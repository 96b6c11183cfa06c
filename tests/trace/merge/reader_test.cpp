#include "base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/trace/commands.hpp"
#include "tests/trace/support.hpp"
#include "trace/merge/ledger_view.hpp"
#include "trace/merge/merge.hpp"
#include "trace/record/recorder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace troupe;
using tests::options_in;
using trace::fate;
using trace::message_id;
using trace::recorder;
namespace format = trace::format;

namespace {

void converse(recorder& r, int messages) {
  auto a = r.add_actor(0, 1, "client"), b = r.add_actor(0, 2, "server");
  auto type = r.intern("ping");
  r.spawned(a, 0, {});
  r.spawned(b, 0, {});
  message_id cause;
  for (int i = 0; i < messages; ++i) {
    auto id = r.send(cause, a, b, type).id;
    auto begin = r.now();
    r.handling(id, b, type, begin);
    r.handled(id, b, type, begin);
    cause = id;
  }
}

std::string refusal(const std::filesystem::path& input) {
  try {
    (void)trace::load({input});
  } catch (const trace::read_error& e) {
    return e.what();
  }
  return "accepted";
}

} // namespace

TEST_CASE("what was recorded is read, and the trace is complete", "[trace][reader]") {
  testing::temporary_directory dir;
  {
    recorder r{options_in(dir.path())};
    converse(r, 1'000);
    r.noted(1, {}, "hello");
    r.invariant("never kind=dropped");
    r.close();
  }
  auto m = trace::load({dir.path()});
  CHECK(m.complete());
  CHECK(m.remarks.empty());
  CHECK(m.messages.size() == 1'000);
  CHECK(m.events.size() == 2'003);
  CHECK(m.invariants == std::vector<std::string>{"never kind=dropped"});
  CHECK(m.notes == std::vector<std::string>{"hello"});
  CHECK(trace::balance(m).count(fate::handled) == 1'000);
  CHECK(m.nodes[0].pid == static_cast<std::uint32_t>(getpid()));
  CHECK(m.messages.cause[999] == 998);
  // A single file is an input as good as its directory.
  CHECK(trace::load({dir.path() / "w1.trace"}).events.size() == m.events.size());
}

TEST_CASE("several segments are one trace; a missing one is named", "[trace][reader]") {
  testing::temporary_directory dir;
  auto o = options_in(dir.path());
  o.segment_bytes = 256 << 10;
  {
    recorder r{o};
    converse(r, 20'000);
  }
  auto m = trace::load({dir.path()});
  CHECK(m.complete());
  CHECK(m.messages.size() == 20'000);
  SECTION("one in the middle") {
    std::filesystem::remove(dir.path() / "w1.0001.trace");
    auto gap = trace::load({dir.path()});
    CHECK_FALSE(gap.complete());
    CHECK(tests::has_remark(gap, "the files with the numbers 1 are missing"));
    CHECK(gap.messages.size() < 20'000);
    CHECK(gap.actor_name(1) == "client-1");
  }
  SECTION("all after the first") {
    std::vector<std::filesystem::path> later;
    for (auto& f : std::filesystem::directory_iterator{dir.path()})
      if (f.path().filename() != "w1.trace") later.push_back(f.path());
    for (auto& f : later)
      std::filesystem::remove(f);
    CHECK(tests::has_remark(trace::load({dir.path()}), "1 and later are missing"));
  }
  SECTION("the last alone is readable") {
    auto last = trace::load({dir.path() / "w1.0003.trace"});
    CHECK(last.actor_name(2) == "server-1");
    CHECK_FALSE(last.complete());
  }
}

TEST_CASE("a torn tail is reported, and what precedes it is read", "[trace][reader]") {
  testing::temporary_directory dir;
  {
    recorder r{options_in(dir.path())};
    converse(r, 5'000);
  }
  auto whole = testing::content_of(dir.path() / "w1.trace");
  auto full = trace::load({dir.path()}).events.size();
  for (std::size_t cut : {whole.size() - 40'000, whole.size() - 64'000, whole.size() / 2, std::size_t{5'000},
                          std::size_t{4'096 + 65'536}}) {
    tests::write_file(dir.path() / "w1.trace", whole.substr(0, cut));
    auto m = trace::load({dir.path()});
    INFO("cut at " << cut);
    CHECK(m.events.size() < full);
    CHECK_FALSE(m.complete());
    CHECK(tests::has_remark(m, "the file was cut: "));
  }
}

TEST_CASE("a killed node's trace says what it was doing", "[trace][reader]") {
  testing::temporary_directory dir;
  auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    recorder r{options_in(dir.path())};
    converse(r, 100);
    auto last = r.send({}, 1, 2, r.intern("fatal")).id;
    r.handling(last, 2, r.intern("fatal"), r.now());
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  auto m = trace::load({dir.path()});
  CHECK_FALSE(m.complete());
  CHECK(tests::has_remark(m, "w1 did not close its trace"));
  CHECK(tests::has_remark(m, "server-1 was handling fatal (w1:101)"));
  auto books = trace::balance(m);
  CHECK(books.count(fate::handled) == 100);
  CHECK(books.count(fate::in_handler) == 1);
}

TEST_CASE("a trace that hit its limit says so and how much it misses", "[trace][reader]") {
  testing::temporary_directory dir;
  auto o = options_in(dir.path());
  o.bytes_max = 512 << 10;
  {
    recorder r{o};
    converse(r, 20'000);
  }
  auto m = trace::load({dir.path()});
  CHECK_FALSE(m.complete());
  CHECK(tests::has_remark(m, "w1 reached the size limit of its trace; "));
  CHECK(m.nodes[0].missed > 0);
  CHECK(trace::balance(m).balanced()); // nothing is called vanished that was merely not recorded
}

TEST_CASE("commands read all segments up to the limit, and tell what was left out after it",
          "[trace][reader]") {
  const auto record = [](const std::filesystem::path& where, std::uint64_t bytes_max) {
    auto o = options_in(where);
    o.segment_bytes = 256 << 10;
    o.bytes_max = bytes_max;
    recorder r{o};
    converse(r, 20'000);
  };
  testing::temporary_directory whole, cut;
  record(whole.path(), 4ULL << 30);
  record(cut.path(), 1 << 20);
  std::uintmax_t files = 0, bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator{cut.path()})
    ++files, bytes += file.file_size();
  CHECK(files > 3);
  CHECK(bytes <= 1 << 20);
  const auto all = trace::load({whole.path()}), some = trace::load({cut.path()});
  CHECK(all.complete());
  CHECK(some.events.size() + some.nodes[0].missed == all.events.size());
  trace::trace_query q;
  q.inputs = {cut.path()};
  const auto told = "  ! w1 reached the size limit of its trace; " + grouped(some.nodes[0].missed)
                    + " events after that are missing\n";
  const auto summary = tests::run_command(trace::summary, q);
  CHECK(summary.code == 0);
  CHECK(summary.out.find("the trace is not complete\n" + told) == 0);
  CHECK(summary.out.find("ended early") != std::string::npos);
  const auto check = tests::run_command(trace::check, q);
  CHECK(check.code == 0); // what was left out is nobody's fault
  CHECK((check.out + check.err).find(told) != std::string::npos);
  const auto show = tests::run_command(trace::show, q);
  CHECK(show.code == 0);
  CHECK(show.err.find(told) != std::string::npos);
  CHECK(static_cast<std::size_t>(std::ranges::count(show.out, '\n')) == some.events.size());
}

TEST_CASE("what is no trace is refused in a sentence", "[trace][reader]") {
  testing::temporary_directory dir;
  CHECK(refusal(dir.path() / "absent").find("does not exist") != std::string::npos);
  CHECK(refusal(dir.path()).find("holds no *.trace files") != std::string::npos);
  tests::write_file(dir.path() / "x.trace", "");
  CHECK(refusal(dir.path()).find("x.trace is no trace") != std::string::npos);
  tests::write_file(dir.path() / "x.trace", std::string(10'000, 'x'));
  CHECK(refusal(dir.path()).find("does not begin with TRPTRACE") != std::string::npos);
  tests::write_file(dir.path() / "x.trace", "TRPTRACE and no more");
  CHECK(refusal(dir.path()).find("ends in the middle of its header, after 20 bytes") != std::string::npos);
  {
    recorder r{options_in(dir.path())};
    converse(r, 10);
  }
  auto good = testing::content_of(dir.path() / "w1.trace");
  auto with = [&](std::size_t at, char byte) {
    auto bad = good;
    bad[at] = byte;
    tests::write_file(dir.path() / "x.trace", bad);
    return refusal(dir.path() / "x.trace");
  };
  CHECK(with(8, 7).find("format version 7; this program reads version 1") != std::string::npos);
  CHECK(with(12, 1).find("another byte order") != std::string::npos);
  // Beside a good file, a bad one is a remark.
  tests::write_file(dir.path() / "x.trace", "rubbish");
  auto m = trace::load({dir.path()});
  CHECK(m.messages.size() == 10);
  CHECK(tests::has_remark(m, "x.trace is no trace"));
}

TEST_CASE("nodes of one boot in different time namespaces share no clock", "[trace][reader]") {
  testing::temporary_directory dir;
  for (const auto* name : {"w1", "w2", "w3"}) {
    auto o = options_in(dir.path());
    o.node = name;
    recorder{o}.close();
  }
  std::fstream elsewhere{dir.path() / "w2.trace", std::ios::in | std::ios::out | std::ios::binary};
  elsewhere.seekp(offsetof(format::file_header, time_namespace));
  elsewhere.write("42", 3);
  elsewhere.close();
  auto m = trace::load({dir.path()});
  REQUIRE(m.nodes.size() == 3);
  CHECK(m.nodes[0].clock_id == m.nodes[2].clock_id);
  CHECK(m.nodes[1].clock_id != m.nodes[0].clock_id);
  CHECK(m.nodes[1].clock_id.ends_with("/42"));
}

TEST_CASE("records of kinds to come are skipped and counted", "[trace][reader]") {
  testing::temporary_directory dir;
  {
    recorder r{options_in(dir.path())};
    converse(r, 10);
  }
  auto bytes = testing::content_of(dir.path() / "w1.trace");
  // The first record of the second chunk: the threads' own.
  auto at = format::file_header_bytes + format::unit_bytes + sizeof(format::chunk_header);
  bytes[at] = 99;
  tests::write_file(dir.path() / "w1.trace", bytes);
  auto m = trace::load({dir.path()});
  CHECK(m.complete());
  CHECK(tests::has_remark(m, "1 record of kinds this program does not know"));
  CHECK(m.messages.size() == 10);
}

TEST_CASE("no damage to a file makes the reader fail or allocate without measure", "[trace][reader]") {
  testing::temporary_directory dir;
  {
    auto o = options_in(dir.path());
    o.what = trace::level::payloads;
    recorder r{o};
    converse(r, 300);
    r.add_node("other", 5);
    r.clock_offset(1, std::chrono::seconds{3}, std::chrono::microseconds{1});
    r.observe(r.now() + 1'000'000'000);
    r.payload(message_id::make(0, 1), std::as_bytes(std::span{"0123456789", 10}));
    r.noted(1, {}, "note");
  }
  auto good = testing::content_of(dir.path() / "w1.trace");
  auto seed = GENERATE(range(1U, 301U));
  INFO("seed " << seed);
  std::mt19937 random{seed};
  auto bad = good;
  for (auto hits = random() % 30 + 1; hits-- > 0;) {
    auto at = format::file_header_bytes + random() % (bad.size() - format::file_header_bytes);
    if (random() % 4 == 0) at = format::file_header_bytes + random() % 3 * format::unit_bytes + random() % 64;
    if (at < bad.size()) bad[at] = static_cast<char>(random());
  }
  if (random() % 3 == 0)
    bad.resize(format::file_header_bytes + random() % (bad.size() - format::file_header_bytes));
  auto bytes = std::as_bytes(std::span{bad});
  std::vector<trace::node_trace> traces;
  traces.push_back(trace::read_trace_bytes(bytes, "damaged"));
  auto m = trace::merge(std::move(traces));
  CHECK(m.events.size() <= bad.size() / format::record_bytes);
  (void)trace::balance(m);
}
