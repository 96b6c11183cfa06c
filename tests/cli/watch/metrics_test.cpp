// The metrics by the rules that `promtool check metrics` has for their names.
#include "tests/support/catch.hpp"
#include "tests/support/text.hpp"

#include "cli/watch/metrics.hpp"
#include "cli/watch/metrics_families.hpp"

#include <algorithm>
#include <array>
#include <set>

using namespace troupe::cli;
using namespace troupe::testing;
using namespace std::chrono_literals;
using prometheus::MetricType;

namespace {

/// Of which every metric has something to tell.
run_snapshot all_of_it() {
  run_snapshot now;
  now.scenario = "worker_pool";
  now.how_far = {50, 100, {}, 65s};
  now.nodes = {{"main", {true, ""}}};
  troupe::trace::live_node whole;
  whole.name = "main";
  whole.traced = true;
  whole.books.emplace();
  whole.mailbox_total = 1;
  whole.types["assign_task"] = {1, 0};
  whole.links["w1"] = {true, 85us};
  now.live.nodes = {whole};
  now.live.actors = {{"main", "coordinator", 3, 1}};
  return now;
}

bool is_name(std::string_view text) {
  constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return !text.empty() && text.find_first_not_of(known) == std::string_view::npos && text.front() != '_';
}

std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words(1);
  for (const char c : name)
    c == '_' ? void(words.emplace_back()) : void(words.back() += c);
  return words;
}

} // namespace

TEST_CASE("the names of metrics are as Prometheus' own checker wants them", "[cli][metrics]") {
  const auto families = families_of(all_of_it());
  CHECK(families.size() == 15);
  std::set<std::string> names;
  constexpr std::array not_base_units{"ms", "us", "ns",        "milliseconds", "minutes", "hours", "days",
                                      "kb", "mb", "kilobytes", "percent",      "s",       "b",     "bits"};
  for (const auto& family : families) {
    CAPTURE(family.name);
    CHECK(is_name(family.name));
    CHECK(names.insert(family.name).second);
    CHECK_FALSE(family.help.empty());
    // Counters, and they alone, are totals; parts of histograms and types have no place in a name.
    CHECK((family.type == MetricType::Counter) == family.name.ends_with("_total"));
    for (const auto* part : {"_count", "_sum", "_bucket"})
      CHECK_FALSE(family.name.ends_with(part));
    for (const auto& word : words_of(family.name)) {
      CHECK(std::ranges::find(not_base_units, word) == not_base_units.end());
      CHECK(word != "gauge");
      CHECK(word != "counter");
    }
    for (const auto& metric : family.metric)
      for (const auto& label : metric.label) {
        CHECK(is_name(label.name));
        CHECK(label.name != "le");
        CHECK(label.name != "quantile");
      }
  }
  CHECK(names.contains("troupe_progress_goal"));
}

TEST_CASE("an address for metrics is told as it was written, IPv6 in brackets", "[cli][metrics]") {
  CHECK(metrics_address::parse("9464").text() == "127.0.0.1:9464");
  CHECK(metrics_address::parse("[::1]:0").text() == "[::1]:0");
  CHECK(metrics_address::parse("here:*").text() == "here:0");
  const auto source = std::make_shared<run_source>("worker_pool");
  const metrics_server server(metrics_address::parse("127.0.0.1:*"), source);
  CHECK(server.url().starts_with("http://127.0.0.1:"));
  CHECK_FALSE(contains(server.url(), ":0/"));
  try {
    const metrics_server on_loopback(metrics_address::parse("[::1]:0"), source);
    CHECK(on_loopback.url().starts_with("http://[::1]:"));
  } catch (const metrics_error& e) { // a machine without IPv6
    CHECK(std::string_view(e.what()).starts_with("--metrics cannot listen on [::1]:0: "));
  }
}
