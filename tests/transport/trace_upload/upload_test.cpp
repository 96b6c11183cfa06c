// Files on their way: the receiving side alone, octet by octet, and both over a real link.
#include "tests/support/catch.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/page.hpp"
#include "tests/transport/support.hpp"
#include "transport/frames/bytes.hpp"
#include "transport/trace_upload/upload_receiver.hpp"
#include "transport/trace_upload/upload_sender.hpp"

#include <fstream>

using namespace transport_tests;
using transport::upload_answer;
using transport::upload_receiver;
using state = transport::upload_receiver::state;
namespace limits = transport::limits;

namespace {

/// Keeps files in memory; says no where it is told to.
struct memory_store final : transport::upload_store {
  std::string accept(const transport::node_identity& owner, std::uint64_t count, std::uint64_t all) override {
    calls += "accept " + owner.name + ' ' + std::to_string(count) + ' ' + std::to_string(all) + ';';
    return no_to == "accept" ? "not wanted" : "";
  }
  std::string open(std::uint64_t number) override {
    calls += "open " + std::to_string(number) + ';';
    files.emplace_back();
    return no_to == "open" ? "no place" : "";
  }
  std::string write(std::span<const char> part) override {
    files.back().append(part.data(), part.size());
    return no_to == "write" ? "disk full" : "";
  }
  std::string close() override {
    calls += "close;";
    return no_to == "close" ? "disk full" : "";
  }
  std::string keep() override {
    calls += "keep;";
    return no_to == "keep" ? "not a trace" : "";
  }
  void discard() noexcept override {
    calls += "discard;";
    files.clear();
  }
  std::string calls, no_to;
  std::vector<std::string> files;
};

byte_buffer begin(const std::string& name, std::uint64_t files, std::uint64_t bytes) {
  byte_buffer out{1};
  transport::put_text(out, name);
  transport::put_fixed(out, std::uint64_t{7});
  transport::put_varint(out, files);
  transport::put_fixed(out, bytes);
  return out;
}
byte_buffer file(std::uint64_t number, std::uint64_t size) {
  byte_buffer out{2};
  transport::put_varint(out, number);
  transport::put_fixed(out, size);
  return out;
}
byte_buffer part(const std::string& text) {
  byte_buffer out{3};
  out.insert(out.end(), text.begin(), text.end());
  return out;
}
byte_buffer end(const std::string& of) {
  byte_buffer out{4};
  transport::put_fixed(out, transport::file_digest(of));
  return out;
}

/// The answer to a record, in words.
std::string answer(upload_receiver& to, const byte_buffer& record) {
  const auto receipt = to.on_payload(record);
  if (receipt.empty()) return "";
  const auto x = transport::read_receipt(receipt);
  switch (x.what) {
  case upload_answer::kind::taken:
    return "taken " + std::to_string(x.bytes);
  case upload_answer::kind::kept:
    return "kept";
  case upload_answer::kind::refused:
    return "refused: " + x.why;
  case upload_answer::kind::malformed:
    break;
  }
  return "malformed";
}

/// Takes uploads as the launcher does, into memory.
class taking_listener final : public transport::hub_listener {
 public:
  void on_peer_up(const peer_ptr&) override {}
  void on_frame(const peer_ptr& from, inbound_frame frame) override {
    const std::lock_guard lock(mutex);
    transport::envelope_view view;
    while (frame.next(view)) {
      const auto& header = view.header;
      has_fields = has_fields || header.kind != envelope_kind::upload || header.flags != 0
                   || header.sender != 0 || header.receiver != 0 || header.request != 0 || header.type != 0
                   || header.number != 0 || header.sent_at != 0;
      const auto back = receiver.on_payload(view.payload);
      records.push_back(testing::hex(view.payload) + " -> " + testing::hex(back));
      if (back.empty() || silent) continue;
      from->send({.kind = envelope_kind::receipt}, [&](byte_buffer& out) {
        out.insert(out.end(), back.begin(), back.end());
        return true;
      });
    }
  }
  void on_peer_down(const peer_ptr&, down_reason, std::string_view, std::uint64_t) override {
    const std::lock_guard lock(mutex);
    receiver.give_up();
  }
  std::mutex mutex;
  memory_store store;
  upload_receiver receiver{store};
  std::vector<std::string> records; ///< and what was answered
  bool has_fields = false;          ///< some envelope had more than a payload, or was of another kind
  bool silent = false;
};

/// A node that takes files, and where they come from.
struct upload_world {
  explicit upload_world(std::uint64_t capabilities = transport::capability_upload)
      : recorder({{}, "taker", 1, trace::level::off}) {
    auto options = test_node::options_for("taker", "tcp://127.0.0.1:*");
    options.capabilities = capabilities;
    hub.emplace(std::move(options), listener, recorder, books);
  }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream{directory.path() / name, std::ios::binary} << text;
    return directory.path() / name;
  }
  std::string deliver(std::vector<std::filesystem::path> files, std::chrono::milliseconds time = 20s) {
    return transport::upload({hub->endpoint(), {"w1", 7}, std::move(files), time, {}}, {});
  }
  temporary_directory directory;
  taking_listener listener;
  trace::recorder recorder;
  trace::ledger books;
  std::optional<transport::hub> hub;
};

} // namespace

TEST_CASE("a file's digest is the CRC-32 of zlib, however it is cut into parts", "[transport][upload]") {
  CHECK(transport::file_digest({}) == 0);
  CHECK(transport::file_digest(std::string_view{"123456789"}) == 0xcbf43926);
  const auto first = transport::file_digest(std::string_view{"12345"});
  CHECK(transport::file_digest({}, first) == first);
  CHECK(transport::file_digest(std::string_view{"6789"}, first) == 0xcbf43926);
}

TEST_CASE("files that come as announced are kept, all at the end", "[transport][upload]") {
  memory_store store;
  upload_receiver r{store};
  CHECK(answer(r, begin("w1", 2, 8)) == "taken 0");
  CHECK(answer(r, file(0, 5)).empty());
  CHECK(answer(r, part("he")).empty());
  CHECK(answer(r, part("llo")).empty());
  CHECK(answer(r, end("hello")) == "taken 5");
  CHECK(answer(r, file(1, 3)).empty());
  CHECK(answer(r, part("you")).empty());
  CHECK(answer(r, end("you")) == "kept");
  CHECK(r.where() == state::kept);
  CHECK(store.files == std::vector<std::string>{"hello", "you"});
  CHECK(store.calls == "accept w1 2 8;open 0;close;open 1;close;keep;");

  SECTION("what comes after the end is refused once, and changes nothing") {
    CHECK(answer(r, begin("w1", 1, 1)) == "refused: something came after the end of the upload");
    CHECK(answer(r, part("more")).empty());
    r.give_up();
    CHECK(r.where() == state::kept);
    CHECK(store.files == std::vector<std::string>{"hello", "you"});
  }
}

TEST_CASE("an upload that is not as announced is refused, and nothing of it is left", "[transport][upload]") {
  memory_store store;
  upload_receiver r{store};
  std::string refused;
  const auto feed = [&](std::vector<byte_buffer> records) {
    for (auto& record : records)
      if (auto said = answer(r, record); said.starts_with("refused: ")) refused = said.substr(9);
  };
  const auto big = std::string(limits::upload_part_bytes_max + 1, 'x');
  const auto [records, why] = GENERATE_COPY(table<std::vector<byte_buffer>, std::string>({
      {{file(0, 5)}, "a file began where none may"},
      {{part("x")}, "a part came outside of a file"},
      {{end("")}, "a file ended that had not begun"},
      {{{}}, "an empty record"},
      {{{9}}, "a record of an unknown kind"},
      {{{1, 2}}, "the beginning is malformed"},
      {{begin("w1", 0, 5)}, "there are from 1 to 65536 files, not 0"},
      {{begin("w1", 65537, 5)}, "there are from 1 to 65536 files, not 65537"},
      {{begin("w1", 1, 5), begin("w1", 1, 5)}, "the upload began twice"},
      {{begin("w1", 1, 5), file(1, 5)}, "file 1 came where file 0 was due"},
      {{begin("w1", 1, 5), file(0, 6)}, "the files are longer than was announced"},
      {{begin("w1", 2, 5), file(0, 5), part("hello"), end("hello"), file(1, 1)},
       "the files are longer than was announced"},
      {{begin("w1", 1, 5), file(0, 5), file(0, 5)}, "a file began where none may"},
      {{begin("w1", 1, 5), file(0, 5), part("hello!")}, "a file is longer than was announced"},
      {{begin("w1", 1, 5), file(0, 5), part("")}, "a part of 0 bytes"},
      {{begin("w1", 1, 99999), file(0, 99999), part(big)}, "a part of 32769 bytes"},
      {{begin("w1", 1, 5), file(0, 5), part("hell"), end("hell")}, "a file ended 1 bytes before its end"},
      {{begin("w1", 1, 5), file(0, 5), part("hello"), end("hullo")},
       "a file arrived with another checksum than it left with"},
      {{begin("w1", 1, 6), file(0, 5), part("hello"), end("hello")},
       "the files are shorter than was announced"},
  }));
  CAPTURE(why);
  feed(records);
  CHECK(refused == why);
  CHECK(r.where() == state::refused);
  CHECK(store.files.empty());
  CHECK(store.calls.find("keep") == std::string::npos);
  const auto calls = store.calls;
  feed({begin("w1", 1, 5), file(0, 5), part("hello"), end("hello")}); // it is over
  CHECK(store.calls == calls);
}

TEST_CASE("what the store will not have ends the upload", "[transport][upload]") {
  memory_store store;
  const auto [step, why] = GENERATE(table<const char*, const char*>({{"accept", "not wanted"},
                                                                     {"open", "no place"},
                                                                     {"write", "disk full"},
                                                                     {"close", "disk full"},
                                                                     {"keep", "not a trace"}}));
  store.no_to = step;
  upload_receiver r{store};
  std::string last;
  for (auto& record : {begin("w1", 1, 5), file(0, 5), part("hello"), end("hello")})
    if (auto said = answer(r, record); !said.empty()) last = said;
  CHECK(last == std::string{"refused: "} + why);
  CHECK(store.files.empty());
  CHECK(store.calls.ends_with(step == std::string{"accept"} ? "accept w1 1 5;" : "discard;"));
}

TEST_CASE("of an upload that breaks off nothing is left", "[transport][upload]") {
  memory_store store;
  {
    upload_receiver r{store};
    for (auto& record : {begin("w1", 1, 5), file(0, 5), part("hel")})
      answer(r, record);
  }
  CHECK(store.files.empty());
  CHECK(store.calls == "accept w1 1 5;open 0;discard;");
}

TEST_CASE("files arrive over a link, larger than the window, octet by octet", "[transport][upload]") {
  upload_world world;
  std::string large(3 * limits::upload_window_bytes + 12'345, '\0');
  std::mt19937 random{4711};
  for (auto& octet : large)
    octet = static_cast<char>(random());
  const auto files = {world.write("a", large), world.write("b", ""), world.write("c", "the end")};
  CHECK(world.deliver(files).empty());
  const std::lock_guard lock(world.listener.mutex);
  REQUIRE(world.listener.store.files.size() == 3);
  CHECK((world.listener.store.files[0] == large));
  CHECK(world.listener.store.files[1].empty());
  CHECK(world.listener.store.files[2] == "the end");
}

TEST_CASE("records of an upload lie on the wire as the page says, octet by octet", "[transport][upload]") {
  upload_world world;
  REQUIRE(world.deliver({world.write("a", "abc"), world.write("b", "")}).empty());
  const std::string none = "0000000000000000", three = "0300000000000000";
  CHECK(world.listener.records
        == std::vector<std::string>{"01"
                                    "027731"
                                    "0700000000000000"
                                    "02" + three
                                        + " -> 01" + none,
                                    "02"
                                    "00" + three
                                        + " -> ",
                                    "03"
                                    "616263 -> ",
                                    "04"
                                    "c2412435 -> 01"
                                        + three,
                                    "02"
                                    "01" + none
                                        + " -> ",
                                    "04"
                                    "00000000 -> 02"});
  memory_store store;
  store.no_to = "accept";
  upload_receiver receiver{store};
  CHECK(testing::hex(receiver.on_payload(begin("w1", 1, 3)))
        == "03"
           "0a" + testing::hex(std::string{"not wanted"}));
  // Nothing but the payload, as the page's table has it.
  CHECK_FALSE(world.listener.has_fields);
  int kinds = 0;
  for (const auto& row : testing::page(TROUPE_WIRE_PAGE).table("| kind | name | fields | meaning |"))
    if (row.at(1) == "upload" || row.at(1) == "receipt") kinds += row.at(2).empty() ? 1 : 0;
  CHECK(kinds == 2);
}

TEST_CASE("an upload that fails says why", "[transport][upload]") {
  upload_world world;
  const auto file = world.write("a", std::string(100'000, 'a'));
  SECTION("the other side does not want it") {
    world.listener.store.no_to = "accept";
    CHECK(world.deliver({file}) == "not wanted");
  }
  SECTION("the other side's disk is full") {
    world.listener.store.no_to = "write";
    CHECK(world.deliver({file}) == "disk full");
  }
  SECTION("the other side says nothing") {
    world.listener.silent = true;
    CHECK(world.deliver({file}, 1s) == "no progress for 1 s");
  }
  SECTION("it is told to give up") {
    world.listener.silent = true;
    CHECK(transport::upload({world.hub->endpoint(), {"w1", 7}, {file}, 20s, [] { return true; }}, {})
          == "interrupted");
  }
  SECTION("nobody is there") {
    world.hub->stop(0ms);
    CHECK_FALSE(world.deliver({file}, 300ms).empty());
  }
  SECTION("the file is not there") {
    CHECK(world.deliver({world.directory.path() / "none"}).find("cannot read") == 0);
  }
}

TEST_CASE("a node that takes no files is sent none", "[transport][upload]") {
  upload_world world{0};
  CHECK(world.deliver({world.write("a", "a")}) == "that node takes no files");
  const std::lock_guard lock(world.listener.mutex);
  CHECK(world.listener.store.calls.empty());
}
