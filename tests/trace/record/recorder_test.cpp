#include "tests/support/catch.hpp"
#include "tests/trace/raw.hpp"
#include "tests/trace/support.hpp"
#include "trace/merge/merge.hpp"
#include "trace/record/format.hpp"
#include "trace/record/recorder.hpp"

#include <cstring>
#include <map>
#include <set>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace troupe;
using tests::options_in;
using trace::message_id;
using trace::recorder;
namespace format = trace::format;
using format::record_kind;
using tests::raw_trace;

namespace {

message_id one_message(recorder& r, trace::actor_index from, trace::actor_index to,
                       trace::string_index type) {
  auto id = r.next_message();
  r.sent(id, {}, from, to, type, r.now());
  auto begin = r.now();
  r.handling(id, to, type, begin);
  r.handled(id, to, type, begin);
  return id;
}

} // namespace

TEST_CASE("every event is one record of 32 bytes, and what it says comes back", "[trace][recorder]") {
  testing::temporary_directory dir;
  auto before = std::uint64_t{0};
  {
    recorder r{options_in(dir.path())};
    before = r.now();
    auto a = r.add_actor(0, 7, "client"), b = r.add_actor(r.add_node("w2", 99), 8, "");
    CHECK(r.add_actor(0, 7, "client") == a);
    CHECK(r.add_actor(1, 8, "server") == b);
    CHECK(r.add_node("w2", 99) == 1);
    CHECK(r.add_node("w2", 100) == 2);
    CHECK(r.add_node("w1", 0x1234) == 0);
    auto type = r.intern("ping");
    CHECK(r.intern("ping") == type);
    auto id = r.next_message();
    r.sent(id, message_id::make(1, 5), a, b, type, before + 10, trace::message_role::request);
    r.delivered(message_id::make(1, 6), a, type, 777, before - 3'000'000'000);
    r.noted(a, id, "a note");
    r.close();
  }
  raw_trace t{dir.path() / "w1.trace"};
  CHECK(std::string{t.header->name} == "w1");
  CHECK(t.header->incarnation == 0x1234);
  CHECK(t.header->state == static_cast<std::uint32_t>(format::file_state::closed));
  CHECK(t.header->ended == 0);
  CHECK(t.header->boot_id[0] != 0);
  for (std::size_t i = 0; i < t.records.size(); ++i) {
    auto& r = t.records[i];
    auto time = (r.time_kind >> 8) + t.header->base_mono_ns;
    switch (static_cast<record_kind>(r.time_kind & 0x7f)) {
    case record_kind::sent_request:
      CHECK(time == before + 10);
      CHECK(r.word1 == message_id::make(0, 1).value);
      CHECK(r.word2 == message_id::make(1, 5).value);
      CHECK(format::actor_of(r.word3) == 1);
      CHECK(format::peer_of(r.word3) == 2);
      CHECK(t.blobs.at(0) == "client");
      break;
    case record_kind::delivered:
      CHECK((r.word2 & 0xffff'ffff) == 777);
      CHECK(static_cast<std::int64_t>(time) - format::unpack_lag(r.word2, r.word3)
            == static_cast<std::int64_t>(before - 3'000'000'000));
      break;
    case record_kind::noted:
      CHECK(t.blobs[i] == "a note");
      break;
    default:
      break;
    }
  }
  CHECK(t.count(record_kind::sent_request) == 1);
  CHECK(t.count(record_kind::delivered) == 1);
  CHECK(t.count(record_kind::noted) == 1);
  CHECK(t.count(record_kind::define_node) == 2);
  CHECK(t.count(record_kind::define_actor) == 3); // the second with its role filled in
}

TEST_CASE("a lag of any sign survives its packing", "[trace][recorder]") {
  for (std::int64_t lag :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{1} << 54, -(std::int64_t{1} << 54),
        std::int64_t{123'456'789'012}, std::int64_t{-987'654'321'098}}) {
    auto word3 = format::pack_actors(0xabcdef, 0, 0x1234) | std::uint64_t{format::lag_high(lag)} << 16;
    CHECK(format::unpack_lag(format::lag_low(lag) | 55, word3) == lag);
    CHECK(format::actor_of(word3) == 0xabcdef);
    CHECK(format::type_of(word3) == 0x1234);
  }
}

TEST_CASE("many threads record at once, and nothing is lost or numbered twice", "[trace][recorder]") {
  testing::temporary_directory dir;
  constexpr int threads = 6, each = 20'000;
  {
    recorder r{options_in(dir.path())};
    auto a = r.add_actor(0, 1, "a"), b = r.add_actor(0, 2, "b");
    auto type = r.intern("m");
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t)
      pool.emplace_back([&] {
        for (int i = 0; i < each; ++i)
          one_message(r, a, b, type);
      });
    for (auto& t : pool)
      t.join();
    r.close();
  }
  raw_trace t{dir.path() / "w1.trace"};
  CHECK(t.count(record_kind::sent) == threads * each);
  CHECK(t.count(record_kind::handled) == threads * each);
  std::set<std::uint64_t> ids;
  for (auto& r : t.records)
    if ((r.time_kind & 0x7f) == static_cast<std::uint64_t>(record_kind::sent)) ids.insert(r.word1);
  CHECK(ids.size() == threads * each);
  CHECK(t.in_handler.empty());
}

TEST_CASE("a killed process leaves everything up to its last event", "[trace][recorder]") {
  testing::temporary_directory dir;
  auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    recorder r{options_in(dir.path())};
    auto a = r.add_actor(0, 1, "a"), b = r.add_actor(0, 2, "b");
    auto type = r.intern("m");
    for (int i = 0; i < 5'000; ++i)
      one_message(r, a, b, type);
    auto last = r.next_message();
    r.sent(last, {}, a, b, type, r.now());
    r.handling(last, b, type, r.now());
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  raw_trace t{dir.path() / "w1.trace"};
  CHECK(t.header->state == static_cast<std::uint32_t>(format::file_state::open));
  CHECK(t.count(record_kind::sent) == 5'001);
  CHECK(t.count(record_kind::handled) == 5'000);
  REQUIRE(t.in_handler.size() == 1);
  CHECK(message_id{t.in_handler[0]}.number() == 5'001);
}

TEST_CASE("a trace rolls over to further files, each with its own tables", "[trace][recorder]") {
  testing::temporary_directory dir;
  auto o = options_in(dir.path());
  o.segment_bytes = 512 << 10;
  {
    recorder r{o};
    auto a = r.add_actor(0, 1, "a"), b = r.add_actor(0, 2, "b");
    auto type = r.intern("m");
    for (int i = 0; i < 50'000; ++i)
      one_message(r, a, b, type);
    std::thread{[&] { one_message(r, a, b, type); }}.join();
    r.close();
  }
  std::size_t sent = 0, files = 0;
  for (auto& entry : std::filesystem::directory_iterator{dir.path()}) {
    raw_trace t{entry.path()};
    ++files;
    sent += t.count(record_kind::sent);
    CHECK(t.count(record_kind::define_actor) == 2);
    CHECK(t.header->tables_segment == t.header->segment);
    CHECK(entry.file_size() <= o.segment_bytes);
    bool last = t.header->state == static_cast<std::uint32_t>(format::file_state::closed);
    if (!last) CHECK(t.header->state == static_cast<std::uint32_t>(format::file_state::continued));
  }
  CHECK(sent == 50'001);
  CHECK(files >= 6);
  CHECK(std::filesystem::exists(dir.path() / "w1.0001.trace"));
}

TEST_CASE("a trace that reaches its size limit ends, and counts what it misses", "[trace][recorder]") {
  testing::temporary_directory dir;
  auto o = options_in(dir.path());
  o.bytes_max = 1 << 20;
  {
    recorder r{o};
    auto a = r.add_actor(0, 1, "a"), b = r.add_actor(0, 2, "b");
    auto type = r.intern("m");
    for (int i = 0; i < 50'000; ++i)
      one_message(r, a, b, type);
    std::thread{[&] { // which begins after that, and has no place in the file
      const auto id = r.send({}, a, b, type).id;
      r.handled(r.handling(id, b, type, r.now()), r.now());
    }}
        .join();
    r.close();
  }
  raw_trace t{dir.path() / "w1.trace"};
  CHECK(std::filesystem::file_size(dir.path() / "w1.trace") <= o.bytes_max);
  CHECK(t.header->ended == static_cast<std::uint32_t>(format::end_reason::size_limit));
  CHECK(t.header->ended_at > 0);
  CHECK(t.count(record_kind::sent) + t.count(record_kind::handled) + t.missed == 100'002);
  CHECK(t.missed > 0);
}

TEST_CASE("a full disk ends the trace and not the process", "[trace][recorder]") {
  testing::temporary_directory dir;
  auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // A limit on the file size is met by the same call, with EFBIG in place of ENOSPC.
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    recorder r{options_in(dir.path())};
    auto a = r.add_actor(0, 1, "a"), b = r.add_actor(0, 2, "b");
    auto type = r.intern("m");
    for (int i = 0; i < 100'000; ++i)
      one_message(r, a, b, type);
    r.close();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  raw_trace t{dir.path() / "w1.trace"};
  CHECK(t.header->ended == static_cast<std::uint32_t>(format::end_reason::disk_full));
  CHECK(t.header->ended_error == EFBIG);
  CHECK(t.count(record_kind::sent) > 0);
}

TEST_CASE("one thread may record for several nodes, and outlive their recorders", "[trace][recorder]") {
  testing::temporary_directory dir;
  for (int round = 0; round < 20; ++round) {
    auto name = [&](const char* n) { return n + std::to_string(round); };
    {
      recorder one{options_in(dir.path(), name("one"))}, two{options_in(dir.path(), name("two"))};
      for (int i = 0; i < 10; ++i) {
        one_message(one, 1, 2, 1);
        one_message(two, 1, 2, 1);
        one_message(two, 1, 2, 1);
      }
    }
    CHECK(raw_trace{dir.path() / (name("one") + ".trace")}.count(record_kind::sent) == 10);
    CHECK(raw_trace{dir.path() / (name("two") + ".trace")}.count(record_kind::sent) == 20);
  }
}

TEST_CASE("short-lived threads share chunks, so that the file stays small", "[trace][recorder]") {
  testing::temporary_directory dir;
  {
    recorder r{options_in(dir.path())};
    for (int i = 0; i < 500; ++i)
      std::thread{[&] { one_message(r, 1, 2, 1); }}.join();
  }
  CHECK(std::filesystem::file_size(dir.path() / "w1.trace") < 1 << 20);
  CHECK(raw_trace{dir.path() / "w1.trace"}.count(record_kind::sent) == 500);
}

TEST_CASE("off makes no file, and the tables still hand out indices", "[trace][recorder]") {
  testing::temporary_directory dir;
  auto o = options_in(dir.path());
  o.what = trace::level::off;
  recorder r{o};
  CHECK(r.add_actor(0, 1, "a") == 1);
  CHECK(r.add_node("x", 1) == 1);
  CHECK(r.intern("x") != 0);
  CHECK_FALSE(r.next_message());
  one_message(r, 1, 1, 1);
  r.close();
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("a node that starts again keeps its first trace", "[trace][recorder]") {
  testing::temporary_directory dir;
  { recorder r{options_in(dir.path())}; }
  { recorder r{options_in(dir.path())}; }
  CHECK(std::filesystem::exists(dir.path() / "w1.trace"));
  CHECK(std::filesystem::exists(dir.path() / "w1-0000000000001234.trace"));
}

TEST_CASE("the clock runs ahead of what a peer has seen", "[trace][recorder]") {
  testing::temporary_directory dir;
  {
    recorder r{options_in(dir.path())};
    auto ahead = r.now() + 5'000'000'000'000;
    r.observe(ahead);
    CHECK(r.now() > ahead);
    auto later = r.now();
    r.observe(later - 1'000'000);
    CHECK(r.now() >= later);
  }
  CHECK(raw_trace{dir.path() / "w1.trace"}.count(record_kind::skewed) == 1);
}

TEST_CASE("sampling keeps whole causal trees or nothing of them", "[trace][recorder]") {
  testing::temporary_directory dir;
  auto o = options_in(dir.path());
  o.sample_one_in = 10;
  int roots = 0;
  {
    recorder r{o};
    for (int i = 0; i < 10'000; ++i) {
      auto root = r.next_message();
      CHECK(root);
      roots += root.recorded();
      r.sent(root, {}, 1, 2, 1, r.now());
      auto effect = r.next_message(root);
      REQUIRE(effect.recorded() == root.recorded());
      r.sent(effect, root, 2, 1, 1, r.now());
    }
  }
  raw_trace t{dir.path() / "w1.trace"};
  CHECK(t.count(record_kind::sent) == 2U * static_cast<unsigned>(roots));
  CHECK(t.header->sample_one_in == 10);
  CHECK(roots > 800);
  CHECK(roots < 1'200);
}

TEST_CASE("payloads are recorded only where asked for, and cut at 64 KiB", "[trace][recorder]") {
  testing::temporary_directory dir;
  std::vector<std::byte> big(100'000, std::byte{'x'});
  {
    recorder quiet{options_in(dir.path(), "quiet")};
    quiet.payload(message_id::make(0, 1), big);
    auto o = options_in(dir.path(), "loud");
    o.what = trace::level::payloads;
    recorder loud{o};
    loud.payload(message_id::make(0, 1), big);
    loud.payload(message_id::make(0, 2), {});
  }
  CHECK(raw_trace{dir.path() / "quiet.trace"}.count(record_kind::payload) == 0);
  raw_trace t{dir.path() / "loud.trace"};
  REQUIRE(t.count(record_kind::payload) == 2);
  CHECK(t.blobs[0].size() == 64 << 10);
  CHECK(t.records[0].word2 >> 32 == 100'000);
}

TEST_CASE("actors beyond the table share one, which has no name", "[trace][recorder]") {
  testing::temporary_directory dir;
  constexpr trace::actor_index shared = 0xff'ffff;
  {
    auto options = options_in(dir.path());
    options.actors_max = 2;
    recorder r{options};
    CHECK(r.add_actor(0, 7, "client") == 1);
    CHECK(r.add_actor(0, 8, "") == 2);
    const auto third = r.add_actor(0, 9, "server"), fourth = r.add_actor(1, 7, "client");
    CHECK(third == shared);
    CHECK(fourth == shared);
    CHECK(r.add_actor(0, 9, "server") == shared);
    CHECK(r.add_actor(0, 7, "client") == 1); // who is in it stays
    CHECK(r.add_actor(0, 8, "waiter") == 2); // and may get its role
    const auto type = r.intern("ping");
    one_message(r, 1, third, type);
    one_message(r, third, fourth, type);
    r.close();
  }
  raw_trace t{dir.path() / "w1.trace"};
  CHECK(t.count(record_kind::define_actor) == 3); // the second twice
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sent;
  for (const auto& r : t.records)
    if ((r.time_kind & 0x7f) == static_cast<std::uint64_t>(record_kind::sent))
      sent.emplace_back(format::actor_of(r.word3), format::peer_of(r.word3));
  CHECK(sent == std::vector<std::pair<std::uint32_t, std::uint32_t>>{{1, shared}, {shared, shared}});
  // Who reads it sees the messages, and does not take the one that is shared for somebody.
  const auto m = trace::load({dir.path()});
  CHECK(m.messages.size() == 2);
  CHECK(m.actors.size() == 3); // with nobody
}

TEST_CASE("a directory that is not there, or a name that is no file name, is refused", "[trace][recorder]") {
  testing::temporary_directory dir;
  CHECK_THROWS_AS(recorder{options_in(dir.path() / "absent")}, std::system_error);
  CHECK_THROWS_AS((recorder{options_in(dir.path(), "../up")}), std::system_error);
  CHECK_THROWS_AS((recorder{options_in(dir.path(), "")}), std::system_error);
}
