// docs/trace.md and the code describe the same file.
#include "tests/support/catch.hpp"
#include "tests/support/page.hpp"
#include "tests/trace/raw.hpp"
#include "tests/trace/support.hpp"
#include "trace/record/recorder.hpp"

#include <cctype>
#include <cstddef>
#include <functional>
#include <map>
#include <set>

using namespace troupe;
using tests::raw_trace;
using trace::message_id;
using trace::recorder;
namespace format = trace::format;
using format::file_header;
using format::record_kind;

namespace {

const testing::page& page() {
  static const testing::page trace{TROUPE_TRACE_PAGE};
  return trace;
}

/// The sum of the numbers in the text: "4 + 256" is 260.
std::size_t sum_in(const std::string& text) {
  std::size_t sum = 0, number = 0;
  for (const char c : text + ' ')
    if (std::isdigit(static_cast<unsigned char>(c)) != 0)
      number = number * 10 + static_cast<std::size_t>(c - '0');
    else
      sum += std::exchange(number, 0);
  return sum;
}

/// What is recorded, and by which numbers its parts go.
struct recorded {
  static constexpr std::uint64_t far_incarnation = 0x99, actor_id = 7, far_actor_id = 8;
  static constexpr message_id cause = message_id::make(1, 5), other_cause = message_id::make(1, 6);
  testing::temporary_directory directory;
  trace::node_index far = 0;
  trace::actor_index actor = 0, far_actor = 0;
  trace::string_index type = 0, reason = 0, detail = 0, role = 0;
  trace::timestamp handled_from = 0;
  std::vector<message_id> ids; ///< of messages, in the order of the kinds that name them
  std::unique_ptr<raw_trace> file;

  recorded() {
    auto options = tests::options_in(directory.path());
    options.what = trace::level::payloads;
    recorder r{options};
    far = r.add_node("w2", far_incarnation);
    actor = r.add_actor(0, actor_id, "client");
    far_actor = r.add_actor(far, far_actor_id, "server");
    role = r.intern("client");
    type = r.intern("ping");
    reason = r.intern("a reason");
    detail = r.intern("a detail");
    write(r);
    r.close();
    file = std::make_unique<raw_trace>(directory.path() / "w1.trace");
  }
  void write(recorder& r) {
    for (int i = 0; i < 8; ++i)
      ids.push_back(r.next_message());
    r.spawned(actor, far_actor, cause);
    r.sent(ids[0], cause, actor, far_actor, type, r.now());
    r.sent(ids[1], cause, actor, far_actor, type, r.now(), trace::message_role::request);
    r.sent(ids[2], cause, actor, far_actor, type, r.now(), trace::message_role::response);
    r.also_caused_by(ids[0], other_cause);
    r.delivered(ids[3], actor, type, 777, r.now() - 12'345);
    handled_from = r.now();
    r.handled(ids[3], actor, type, handled_from, handled_from + 500);
    r.dropped(ids[4], actor, type, reason);
    r.dead_lettered(ids[5], actor, type, reason);
    r.timer_set(ids[6], actor, std::chrono::nanoseconds{1234});
    r.redelivered(ids[7], ids[6], actor);
    r.exited(actor, reason);
    r.node_up(far, false);
    r.node_down(far, reason);
    r.link_up(far);
    r.link_down(far, reason);
    r.link_resumed(far, 3);
    r.clock_offset(far, std::chrono::nanoseconds{-40}, std::chrono::nanoseconds{6});
    r.fault(type, detail);
    r.noted(actor, ids[0], "a note");
    const std::string content(70'000, 'x');
    r.payload(ids[0], std::as_bytes(std::span{content}));
    r.observe(r.now() + 1'000'000'000);
    r.invariant("never kind=dropped");
    r.told_to_end(type, reason);
    r.stood_still(std::chrono::nanoseconds{99});
  }
  /// The first record of that kind, and its blob.
  format::record first(unsigned kind, std::string* blob = nullptr) const {
    for (std::size_t i = 0; i < file->records.size(); ++i) {
      if ((file->records[i].time_kind & 0x7f) != kind) continue;
      if (blob != nullptr) *blob = file->blobs[i];
      return file->records[i];
    }
    FAIL("nothing of kind " << kind << " was recorded");
    return {};
  }
};

/// A row of the page's table of kinds, and what its cells mean of what was recorded.
struct kind_row {
  const char* kinds; ///< as the page has them
  const char *word1, *word2, *word3;
  std::vector<record_kind> code;
  std::function<void(const recorded&, record_kind, const format::record&, const std::string& blob)> look;
};

std::uint64_t low(std::uint64_t word) { return word & 0xffff'ffff; }
std::uint64_t high(std::uint64_t word) { return word >> 32; }
/// Where the message's record stands among those that name a message.
message_id id_of(const recorded& all, record_kind kind) {
  const std::map<record_kind, std::size_t> places{
      {record_kind::sent, 0},           {record_kind::sent_request, 1},  {record_kind::sent_response, 2},
      {record_kind::also_caused_by, 0}, {record_kind::delivered, 3},     {record_kind::handled, 3},
      {record_kind::dropped, 4},        {record_kind::dead_lettered, 5}, {record_kind::timer_set, 6},
      {record_kind::redelivered, 7},    {record_kind::payload, 0}};
  return all.ids.at(places.at(kind));
}

std::vector<kind_row> rows_of_tables() {
  using all_of = const recorded&;
  using record = const format::record&;
  using text = const std::string&;
  return {
      {"1 string",
       "index",
       "",
       "blob: text",
       {record_kind::define_string},
       [](all_of all, record_kind, record r, text blob) {
         CHECK(r.word1 == all.role);
         CHECK(blob == "client");
       }},
      {"2 node",
       "incarnation",
       "high: index",
       "blob: name",
       {record_kind::define_node},
       [](all_of all, record_kind, record r, text blob) {
         CHECK(r.word1 == recorded::far_incarnation);
         CHECK(high(r.word2) == all.far);
         CHECK(blob == "w2");
       }},
      {"3 actor",
       "id on its node",
       "low: role, high: node",
       "its index",
       {record_kind::define_actor},
       [](all_of all, record_kind, record r, text) {
         CHECK(r.word1 == recorded::actor_id);
         CHECK(low(r.word2) == all.role);
         CHECK(high(r.word2) == 0);
         CHECK(format::actor_of(r.word3) == all.actor);
       }},
  };
}

std::vector<kind_row> rows_of_actors_and_messages() {
  using all_of = const recorded&;
  using record = const format::record&;
  using text = const std::string&;
  const auto receiver_and_type = [](all_of all, record r) {
    CHECK(format::actor_of(r.word3) == all.actor);
    CHECK(format::type_of(r.word3) == all.type);
  };
  return {
      {"4 spawned",
       "cause",
       "",
       "actor, parent",
       {record_kind::spawned},
       [](all_of all, record_kind, record r, text) {
         CHECK(r.word1 == recorded::cause.value);
         CHECK(format::actor_of(r.word3) == all.actor);
         CHECK(format::peer_of(r.word3) == all.far_actor);
       }},
      {"5 exited",
       "",
       "reason",
       "actor",
       {record_kind::exited},
       [](all_of all, record_kind, record r, text) {
         CHECK(r.word2 == all.reason);
         CHECK(format::actor_of(r.word3) == all.actor);
       }},
      {"6 sent, 7 request, 8 response",
       "id",
       "first cause",
       "sender, receiver, type",
       {record_kind::sent, record_kind::sent_request, record_kind::sent_response},
       [=](all_of all, record_kind kind, record r, text) {
         CHECK(r.word1 == id_of(all, kind).value);
         CHECK(r.word2 == recorded::cause.value);
         receiver_and_type(all, r); // which is the sender here
         CHECK(format::peer_of(r.word3) == all.far_actor);
       }},
      {"9 also caused by",
       "id",
       "further cause",
       "",
       {record_kind::also_caused_by},
       [](all_of all, record_kind kind, record r, text) {
         CHECK(r.word1 == id_of(all, kind).value);
         CHECK(r.word2 == recorded::other_cause.value);
       }},
      {"10 delivered",
       "id",
       "low: bytes; high: low part of the lag",
       "receiver, high part of the lag, type",
       {record_kind::delivered},
       [=](all_of all, record_kind kind, record r, text) {
         CHECK(r.word1 == id_of(all, kind).value);
         CHECK(low(r.word2) == 777);
         CHECK(high(r.word2) >= 12'345); // 56 bits, of which the high 24 are 0 here
         CHECK(high(r.word2) < 1'000'000'000);
         CHECK(format::peer_of(r.word3) == 0);
         receiver_and_type(all, r);
       }},
      {"11 handled (time: begin)",
       "id",
       "ns",
       "actor, type",
       {record_kind::handled},
       [=](all_of all, record_kind kind, record r, text) {
         CHECK(r.word1 == id_of(all, kind).value);
         CHECK(r.word2 == 500);
         CHECK((r.time_kind >> 8) + all.file->header->base_mono_ns == all.handled_from);
         receiver_and_type(all, r);
       }},
      {"12 dropped, 13 dead letter",
       "id",
       "reason",
       "receiver, type",
       {record_kind::dropped, record_kind::dead_lettered},
       [=](all_of all, record_kind kind, record r, text) {
         CHECK(r.word1 == id_of(all, kind).value);
         CHECK(r.word2 == all.reason);
         receiver_and_type(all, r);
       }},
      {"14 timer",
       "id",
       "ns",
       "actor",
       {record_kind::timer_set},
       [](all_of all, record_kind kind, record r, text) {
         CHECK(r.word1 == id_of(all, kind).value);
         CHECK(r.word2 == 1234);
         CHECK(format::actor_of(r.word3) == all.actor);
       }},
      {"15 redelivered",
       "new id",
       "original id",
       "actor",
       {record_kind::redelivered},
       [](all_of all, record_kind kind, record r, text) {
         CHECK(r.word1 == id_of(all, kind).value);
         CHECK(r.word2 == id_of(all, record_kind::timer_set).value);
         CHECK(format::actor_of(r.word3) == all.actor);
       }},
  };
}

std::vector<kind_row> rows_of_the_rest() {
  using all_of = const recorded&;
  using record = const format::record&;
  using text = const std::string&;
  return {
      {"16–20 node up, down, link up, down, resumed",
       "node",
       "1 if it keeps no trace; reason, or frames sent again",
       "",
       {record_kind::node_up, record_kind::node_down, record_kind::link_up, record_kind::link_down,
        record_kind::link_resumed},
       [](all_of all, record_kind kind, record r, text) {
         const std::map<record_kind, std::uint64_t> second{{record_kind::node_up, 1},
                                                           {record_kind::node_down, all.reason},
                                                           {record_kind::link_up, 0},
                                                           {record_kind::link_down, all.reason},
                                                           {record_kind::link_resumed, 3}};
         CHECK(r.word1 == all.far);
         CHECK(r.word2 == second.at(kind));
       }},
      {"21 clock offset",
       "node",
       "ns that its CLOCK_MONOTONIC is ahead of ours, signed",
       "uncertainty, ns",
       {record_kind::clock_offset},
       [](all_of all, record_kind, record r, text) {
         CHECK(r.word1 == all.far);
         CHECK(static_cast<std::int64_t>(r.word2) == -40);
         CHECK(r.word3 == 6);
       }},
      {"22 fault, 27 told to end",
       "kind, verdict",
       "detail, reason",
       "",
       {record_kind::fault, record_kind::told_to_end},
       [](all_of all, record_kind kind, record r, text) {
         CHECK(r.word1 == all.type);
         CHECK(r.word2 == (kind == record_kind::fault ? all.detail : all.reason));
       }},
      {"23 note",
       "during",
       "",
       "actor; blob",
       {record_kind::noted},
       [](all_of all, record_kind, record r, text blob) {
         CHECK(r.word1 == all.ids[0].value);
         CHECK(format::actor_of(r.word3) == all.actor);
         CHECK(blob == "a note");
       }},
      {"24 payload",
       "id",
       "high: bytes before the cut at 64 KiB",
       "blob: text of the message",
       {record_kind::payload},
       [](all_of all, record_kind kind, record r, text blob) {
         CHECK(r.word1 == id_of(all, kind).value);
         CHECK(high(r.word2) == 70'000);
         CHECK(blob == std::string(64 << 10, 'x'));
       }},
      {"25 skewed",
       "lead of the hybrid clock before",
       "after",
       "",
       {record_kind::skewed},
       [](all_of, record_kind, record r, text) {
         CHECK(r.word1 == 0);
         CHECK(r.word2 > 0);
         CHECK(r.word2 <= 1'000'000'001);
       }},
      {"26 invariant",
       "",
       "",
       "blob: text",
       {record_kind::invariant},
       [](all_of, record_kind, record, text blob) { CHECK(blob == "never kind=dropped"); }},
      {"28 stood still",
       "ns that the process had not run, up to then",
       "",
       "",
       {record_kind::stood_still},
       [](all_of, record_kind, record r, text) { CHECK(r.word1 == 99); }},
  };
}

/// A part of the page's table of the header, and the place in the file that the code has for it.
struct header_field {
  const char* name;
  std::size_t at, end;
};

} // namespace

TEST_CASE("the trace page's header is the code's, field by field", "[trace][format]") {
#define TROUPE_FIELD(name, first, last)                                                                      \
  header_field { name, offsetof(file_header, first), offsetof(file_header, last) + sizeof(file_header::last) }
  const header_field code[] = {TROUPE_FIELD("magic", magic, magic),
                               TROUPE_FIELD("version", version, version),
                               TROUPE_FIELD("byte order", byte_order, byte_order),
                               TROUPE_FIELD("header bytes", header_bytes, header_bytes),
                               TROUPE_FIELD("unit bytes", unit_bytes, unit_bytes),
                               TROUPE_FIELD("incarnation", incarnation, incarnation),
                               TROUPE_FIELD("base", base_mono_ns, base_unix_ns),
                               TROUPE_FIELD("bytes_max", bytes_max, bytes_max),
                               TROUPE_FIELD("segment", segment, segment),
                               TROUPE_FIELD("pid", pid, pid),
                               TROUPE_FIELD("level", level, level),
                               TROUPE_FIELD("sample", sample_one_in, sample_one_in),
                               TROUPE_FIELD("tables segment", tables_segment, tables_segment),
                               TROUPE_FIELD("name", name_bytes, name),
                               TROUPE_FIELD("boot id", boot_id, boot_id),
                               TROUPE_FIELD("host name", hostname, hostname),
                               TROUPE_FIELD("state", state, state),
                               TROUPE_FIELD("ended", ended, ended),
                               TROUPE_FIELD("at", ended_at, ended_at),
                               TROUPE_FIELD("errno", ended_error, ended_error),
                               TROUPE_FIELD("missed", missed, missed),
                               TROUPE_FIELD("closed at", closed_at, closed_at),
                               TROUPE_FIELD("final bytes", final_bytes, final_bytes),
                               TROUPE_FIELD("time namespace", time_namespace, time_namespace)};
#undef TROUPE_FIELD
  std::size_t at = 0, count = 0;
  for (const auto& row : page().table("| header field | bytes | meaning |")) {
    const auto names = testing::page::split(row.at(0), ',');
    auto sizes = testing::page::split(row.at(1), ',');
    if (row[1].ends_with(" each")) sizes.assign(names.size(), row[1]);
    if (names.size() == 1) sizes = {row[1]}; // of which all are its
    REQUIRE(sizes.size() == names.size());
    for (std::size_t i = 0; i < names.size(); ++i, ++count) {
      REQUIRE(count < std::size(code));
      CAPTURE(names[i]);
      CHECK(names[i] == code[count].name);
      CHECK(code[count].at == at);
      at += sum_in(sizes[i]);
      CHECK(code[count].end == at);
    }
  }
  CHECK(count == std::size(code));
  CHECK(at <= format::file_header_bytes);
}

TEST_CASE("the trace page's constants are the code's", "[trace][format]") {
  const std::string magic(format::file_magic, sizeof format::file_magic);
  for (const auto& text :
       {"| magic | 8 | `" + magic + "` |", "| version | 4 | " + std::to_string(format::format_version) + " |",
        std::string{"| byte order | 4 | `0x01020304` |"},
        std::string{"| header bytes, unit bytes | 4, 4 | 4,096 and 65,536 |"},
        std::string{"0 open or killed, 1 closed, 2 continued in the next segment"},
        std::string{"(1 size, 2 disk full, 3 error)"}, std::string{"a header of 64 bytes (magic `CHNK`"},
        std::string{"records of 32 bytes"}, std::string{"| word 0, low 7 | kind |"}}) {
    CAPTURE(text);
    CHECK(page().text().find(text) != std::string::npos);
  }
  CHECK(format::byte_order_mark == 0x01020304);
  CHECK(format::file_header_bytes == 4'096);
  CHECK(format::unit_bytes == 65'536);
  CHECK(std::pair(format::file_state::closed, format::file_state::continued)
        == std::pair(format::file_state{1}, format::file_state{2}));
  CHECK(
      std::tuple(format::end_reason::size_limit, format::end_reason::disk_full, format::end_reason::io_error)
      == std::tuple(format::end_reason{1}, format::end_reason{2}, format::end_reason{3}));
  CHECK(sizeof(format::chunk_header) == 64);
  CHECK(sizeof(format::record) == 32);
  const auto chunk = format::chunk_magic;
  CHECK(std::string(reinterpret_cast<const char*>(&chunk), 4) == "CHNK");
}

TEST_CASE("the trace page's kinds of records are what the recorder writes, word by word", "[trace][format]") {
  const recorded all;
  auto rows = rows_of_tables();
  for (auto part : {rows_of_actors_and_messages(), rows_of_the_rest()})
    rows.insert(rows.end(), part.begin(), part.end());
  const auto stated = page().table("| kind | word 1 | word 2 | word 3 |");
  REQUIRE(stated.size() == rows.size());
  std::set<unsigned> numbers;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(rows[i].kinds);
    CHECK(stated[i].at(0) == rows[i].kinds);
    CHECK(stated[i].at(1) == rows[i].word1);
    CHECK(stated[i].at(2) == rows[i].word2);
    CHECK(stated[i].at(3) == rows[i].word3);
    for (const auto kind : rows[i].code) {
      std::string blob;
      const auto number = static_cast<unsigned>(kind);
      numbers.insert(number);
      const bool between = number > 16 && number < 20; // in "16–20 …"
      CHECK((between || testing::contains(rows[i].kinds, std::to_string(number))));
      const auto record = all.first(number, &blob);
      CAPTURE(number);
      rows[i].look(all, kind, record, blob);
      CHECK((record.time_kind & format::blob_bit) == (blob.empty() ? 0 : format::blob_bit));
      CHECK(low(record.word2) == (blob.empty() ? low(record.word2) : blob.size()));
    }
  }
  CHECK(numbers.size() == format::record_kind_count - 1); // 0 is none
}
