#include "tests/support/catch.hpp"
#include "tests/trace/exports.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <regex>

using namespace troupe;
using nlohmann::json;
using tests::awkward_run;
using tests::exported;
using tests::id;
using tests::merged;
using tests::node_builder;

namespace {

struct slice {
  double from, to;
};

} // namespace

TEST_CASE("the Perfetto export keeps its readers' rules", "[trace][export]") {
  auto m = awkward_run();
  auto j = json::parse(exported(trace::export_perfetto, m));
  std::map<std::pair<int, int>, std::vector<slice>> threads;
  for (auto& e : j["traceEvents"]) {
    if (e["ph"] != "M") CHECK(e["ts"].get<double>() >= 0);
    if (e["ph"] == "X") {
      CHECK(e["dur"].get<double>() >= 0);
      threads[{e["pid"], e["tid"]}].push_back({e["ts"], e["ts"].get<double>() + e["dur"].get<double>()});
    }
  }
  // Slices of a thread nest: no two overlap in part.
  for (auto& [thread, slices] : threads)
    for (auto& a : slices)
      for (auto& b : slices) {
        bool apart = a.to <= b.from || b.to <= a.from;
        bool nested = (a.from <= b.from && b.to <= a.to) || (b.from <= a.from && a.to <= b.to);
        CHECK((apart || nested));
      }
  std::map<std::string, int> starts, ends;
  for (auto& e : j["traceEvents"]) {
    if (e["ph"] != "s" && e["ph"] != "f") continue;
    auto flow = e["id"].get<std::string>();
    CHECK(std::regex_match(flow, std::regex{"[0-9a-f]{1,16}"}));
    ++(e["ph"] == "s" ? starts : ends)[flow];
    if (e["ph"] == "f") CHECK(e["bp"] == "e");
    auto ts = e["ts"].get<double>();
    auto& slices = threads[{e["pid"], e["tid"]}];
    INFO(e.dump());
    // Open at that moment: it has not ended, or has no length and lies there.
    CHECK(std::ranges::any_of(
        slices, [&](auto& s) { return (s.from <= ts && ts < s.to) || (s.from == ts && s.to == ts); }));
  }
  CHECK(starts.size() == 7);
  CHECK(starts == ends); // each flow has one begin and one end
  for (auto& [flow, n] : starts)
    CHECK(n == 1);
}

TEST_CASE("in the Perfetto export a flow that begins as its handler ends has a slice to begin at",
          "[trace][export]") {
  node_builder main{"main", 1};
  auto a = main.actor(1, "a"), b = main.actor(2, "b");
  main.sent(1, id(1), b, a, "question").sent(20, id(2), a, b, "answer", id(1));
  main.handled(10, 20, id(1), a, "question").handled(30, 31, id(2), b, "answer");
  auto m = merged(main);
  const auto j = json::parse(exported(trace::export_perfetto, m));
  double begins = -1;
  std::vector<slice> slices;
  for (auto& e : j["traceEvents"]) {
    if (e["ph"] == "s" && e["tid"] == 2) begins = e["ts"].get<double>();
    if (e["ph"] == "X" && e["tid"] == 2)
      slices.push_back({e["ts"], e["ts"].get<double>() + e["dur"].get<double>()});
  }
  REQUIRE(begins >= 0);
  CHECK(std::ranges::any_of(slices, [&](auto& s) { return s.from == begins && s.to == begins; }));
  CHECK(std::ranges::none_of(
      slices, [&](auto& s) { return s.from < begins && begins <= s.to; })); // not in the handler
}

TEST_CASE("Perfetto reads every nanosecond of handlers that follow each other at once", "[trace][export]") {
  node_builder main{"main", 1};
  auto a = main.actor(1, "a"), b = main.actor(2, "b");
  for (std::int64_t i = 1; i <= 1'000; ++i)
    main.sent(i, id(static_cast<std::uint64_t>(i)), a, b, "message")
        .handled(2'000 + i, 2'000 + i, id(static_cast<std::uint64_t>(i)), b, "message");
  auto m = merged(main);
  constexpr std::int64_t first = 1'000'001, length = 1'009;
  std::vector<std::int64_t> begins;
  for (trace::row i = 0; i < m.events.size(); ++i) {
    if (m.events.kind[i] != trace::event_kind::handled) continue;
    m.events.value[i] = length;
    begins.push_back(m.events.time[i] = first + static_cast<std::int64_t>(begins.size()) * length);
  }
  // Its importer takes numbers for doubles, multiplies, and cuts.
  auto ns = [](const json& us) { return static_cast<std::int64_t>(us.get<double>() * 1000.0); };
  std::vector<std::int64_t> read;
  const auto j = json::parse(exported(trace::export_perfetto, m));
  for (auto& e : j["traceEvents"]) {
    if (e["ph"] != "X" || e["cat"] != "handler") continue;
    read.push_back(ns(e["ts"]));
    CHECK(ns(e["dur"]) == length);
  }
  CHECK((read.size() == 1'000 && read == begins));
}
