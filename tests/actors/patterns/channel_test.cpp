#include "actors/patterns/channel.hpp"
#include "base/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_system.hpp"

#include <random>

using namespace troupe;
using troupe::testing::test_system;
using namespace std::chrono_literals;

namespace {

using number_channel = channel_actor<std::int64_t>;

void add_number_messages(message_catalog& catalog) { add_channel_messages<std::int64_t>(catalog, "number"); }

/// An actor that only writes down what it is told, and sends what the test wants.
struct probe_state {
  static inline const char* name = "probe";
};
struct probe_log {
  std::uint64_t credit = 0;
  std::vector<channel_item<std::int64_t>> items;
  std::size_t batches = 0;
  int closed = 0;
};
using log_ptr = std::shared_ptr<probe_log>;

caf::behavior probe(actor_of<probe_state>* self, log_ptr log) {
  self->set_default_handler(
      [self](caf::scheduled_actor*, caf::message_view& what) -> caf::result<caf::message> {
        // ("to", message): passed on in the probe's name.
        auto parts = what.move_content_to_message();
        parts.apply({[self](const caf::actor& to, const caf::message& text) { self->send(to, text); }});
        return caf::message{};
      });
  return {
      [log](const channel_credit& x) { log->credit += x.items; },
      [log](const channel_batch<std::int64_t>& x) {
        ++log->batches;
        log->items.insert(log->items.end(), x.items.begin(), x.items.end());
      },
      [log](const channel_closed&) { ++log->closed; },
  };
}

struct stage {
  explicit stage(const channel_options& options) : sys(trace::level::headers, add_number_messages) {
    channel = sys.system().spawn(troupe::channel<std::int64_t>, options);
    sys.run();
  }
  ~stage() {
    for (auto& who : everybody)
      caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(channel, caf::exit_reason::user_shutdown);
    sys.run();
  }
  std::pair<caf::actor, log_ptr> someone() {
    auto log = std::make_shared<probe_log>();
    auto who = sys.system().spawn(probe, log);
    everybody.push_back(who);
    return {who, log};
  }
  template <class Message>
  void say(const caf::actor& who, Message what) {
    caf::anon_send(who, channel, caf::make_message(std::move(what)));
    sys.run();
  }
  void put(const caf::actor& who, std::vector<std::pair<std::int64_t, std::int64_t>> values_and_priorities) {
    channel_put<std::int64_t> what;
    for (auto [value, priority] : values_and_priorities)
      what.items.push_back({value, priority, {}, 0, 0});
    say(who, std::move(what));
  }
  channel_report report() {
    caf::scoped_actor asker{sys.system()};
    auto answer = asker->request(channel, caf::infinite, ask_channel{});
    sys.run();
    channel_report result;
    answer.receive([&](const channel_report& x) { result = x; },
                   [](const caf::error&) { FAIL("no report"); });
    return result;
  }

  test_system sys;
  caf::actor channel;
  std::vector<caf::actor> everybody;
};

std::vector<std::int64_t> values(const probe_log& log) {
  std::vector<std::int64_t> result;
  for (auto& item : log.items)
    result.push_back(item.value);
  return result;
}

} // namespace

TEST_CASE("a full channel gives no credit until something is taken", "[actors][channel]") {
  stage s{{.capacity = 2, .producers = 1}};
  auto [producer, made] = s.someone();
  auto [consumer, got] = s.someone();
  s.say(producer, channel_want{5});
  CHECK(made->credit == 2);
  s.put(producer, {{1, 0}, {2, 0}});
  CHECK(made->credit == 2);
  s.say(consumer, channel_take{1});
  CHECK(values(*got) == std::vector<std::int64_t>{1});
  CHECK(made->credit == 3);
  s.put(producer, {{3, 0}});
  s.say(consumer, channel_take{10});
  CHECK(values(*got) == std::vector<std::int64_t>{1, 2, 3});
  CHECK(made->credit == 5);
  CHECK(s.report().fill_max == 2);
}

TEST_CASE("a take waits for the first item and is answered once", "[actors][channel]") {
  stage s{{.capacity = 10}};
  auto [producer, made] = s.someone();
  auto [consumer, got] = s.someone();
  s.say(consumer, channel_take{10});
  CHECK(got->batches == 0);
  s.say(producer, channel_want{2});
  s.put(producer, {{7, 0}});
  s.put(producer, {{8, 0}});
  CHECK(values(*got) == std::vector<std::int64_t>{7});
  CHECK(got->batches == 1);
}

TEST_CASE("items and credit are shared among those who wait", "[actors][channel]") {
  stage s{{.capacity = 4}};
  auto [a, log_a] = s.someone();
  auto [b, log_b] = s.someone();
  s.say(a, channel_want{4});
  CHECK(log_a->credit == 4);
  s.put(a, {{1, 0}, {2, 0}, {3, 0}, {4, 0}});
  s.say(a, channel_want{4});
  s.say(b, channel_want{4});
  auto [consumer, got] = s.someone();
  s.say(consumer, channel_take{4});
  CHECK(log_a->credit == 6);
  CHECK(log_b->credit == 2);
}

TEST_CASE("the highest priority leaves first, and the first within one", "[actors][channel]") {
  stage s{{.capacity = 10, .order = channel_order::priority}};
  auto [producer, made] = s.someone();
  auto [consumer, got] = s.someone();
  s.say(producer, channel_want{6});
  s.put(producer, {{10, 1}, {30, 3}, {11, 1}, {-5, -5}, {31, 3}});
  s.say(consumer, channel_take{1});
  s.put(producer, {{99, 9}});
  s.say(consumer, channel_take{10});
  CHECK(values(*got) == std::vector<std::int64_t>{30, 99, 31, 10, 11, -5});
}

TEST_CASE("in order fifo, priorities mean nothing", "[actors][channel]") {
  stage s{{.capacity = 10}};
  auto [producer, made] = s.someone();
  auto [consumer, got] = s.someone();
  s.say(producer, channel_want{3});
  s.put(producer, {{1, 1}, {2, 9}, {3, 5}});
  s.say(consumer, channel_take{10});
  CHECK(values(*got) == std::vector<std::int64_t>{1, 2, 3});
}

TEST_CASE("a channel closes when its producers are done, after the last item", "[actors][channel]") {
  stage s{{.capacity = 2, .producers = 2}};
  auto [a, log_a] = s.someone();
  auto [b, log_b] = s.someone();
  auto [consumer, got] = s.someone();
  s.say(a, channel_want{1});
  s.put(a, {{1, 0}});
  s.say(a, channel_done{});
  s.say(a, channel_done{}); // saying it twice does not make two of it
  s.say(consumer, channel_take{1});
  s.say(consumer, channel_take{1});
  CHECK(got->closed == 0);
  s.say(b, channel_done{});
  CHECK(got->closed == 1);
  s.say(consumer, channel_take{1});
  CHECK(got->closed == 2);
  s.say(b, channel_want{1});
  CHECK(log_b->closed == 1);
  CHECK(log_b->credit == 0);
}

TEST_CASE("closing keeps what is there and on its way, or discards and counts it", "[actors][channel]") {
  const bool discard = GENERATE(false, true);
  stage s{{.capacity = 3}};
  auto [producer, made] = s.someone();
  auto [consumer, got] = s.someone();
  s.say(producer, channel_want{5});
  s.put(producer, {{1, 0}, {2, 0}});
  s.say(consumer, close_channel{discard});
  CHECK(made->closed == 1); // two of the five are still wanted
  s.put(producer, {{3, 0}});
  s.say(consumer, channel_take{5});
  s.say(consumer, channel_take{5});
  CHECK(got->closed == (discard ? 2 : 1));
  CHECK(got->items.size() == (discard ? 0 : 3));
  CHECK(s.report().discarded == (discard ? 3 : 0));
}

TEST_CASE("a producer that dies gives its credit back and counts as done", "[actors][channel]") {
  stage s{{.capacity = 1, .producers = 2}};
  auto [a, log_a] = s.someone();
  auto [b, log_b] = s.someone();
  auto [consumer, got] = s.someone();
  s.say(a, channel_want{1});
  s.say(b, channel_want{1});
  CHECK(log_b->credit == 0);
  caf::anon_send_exit(a, caf::exit_reason::kill);
  s.sys.run();
  CHECK(log_b->credit == 1);
  s.put(b, {{5, 0}});
  s.say(b, channel_done{});
  s.say(consumer, channel_take{1});
  s.say(consumer, channel_take{1});
  CHECK(values(*got) == std::vector<std::int64_t>{5});
  CHECK(got->closed == 1);
}

TEST_CASE("nothing is handed to a consumer that has died", "[actors][channel]") {
  stage s{{.capacity = 5}};
  auto [producer, made] = s.someone();
  auto [dead, got_nothing] = s.someone();
  auto [alive, got] = s.someone();
  s.say(dead, channel_take{5});
  caf::anon_send_exit(dead, caf::exit_reason::kill);
  s.sys.run();
  s.say(alive, channel_take{5});
  s.say(producer, channel_want{1});
  s.put(producer, {{1, 0}});
  CHECK(values(*got) == std::vector<std::int64_t>{1});
}

TEST_CASE("what is put without credit is refused and counted", "[actors][channel]") {
  stage s{{.capacity = 2}};
  auto [producer, made] = s.someone();
  s.put(producer, {{1, 0}});
  s.say(producer, channel_want{1});
  s.put(producer, {{2, 0}, {3, 0}, {4, 0}});
  const auto report = s.report();
  CHECK(report.put == 1);
  CHECK(report.refused == 3);
  CHECK(report.fill_max == 1);
}

TEST_CASE("a pulled channel gives credit only for what is asked for", "[actors][channel]") {
  stage s{{.capacity = 10, .pull = true}};
  auto [producer, made] = s.someone();
  auto [consumer, got] = s.someone();
  s.say(producer, channel_want{100});
  CHECK(made->credit == 0);
  s.say(consumer, channel_take{1});
  CHECK(made->credit == 1);
  s.put(producer, {{1, 0}});
  CHECK(made->credit == 1);
  s.say(consumer, channel_take{3});
  CHECK(made->credit == 4);
}

TEST_CASE("an item's waiting time adds up in the hand and in the buffer", "[actors][channel]") {
  stage s{{.capacity = 1}};
  auto [producer, made] = s.someone();
  auto [consumer, got] = s.someone();
  channel_hand<std::int64_t> hand;
  auto now = [&] { return s.sys.system().clock().now(); };
  hand.add(1, 0, now());
  s.sys.advance(3ms);
  s.say(producer, channel_want{1});
  s.say(producer, channel_put<std::int64_t>{hand.give(1, now())});
  s.sys.advance(4ms);
  s.say(consumer, channel_take{1});
  REQUIRE(got->items.size() == 1);
  CHECK(got->items[0].waited == 7ms);
  CHECK(got->items[0].entered == 1);
  CHECK(got->items[0].left == 2);
}

namespace {

/// Producers and consumers that do random things, until everything is through.
void random_play(unsigned seed) {
  std::mt19937_64 random{seed};
  auto draw = [&](std::uint64_t low, std::uint64_t high) { return low + draw_below(random, high - low + 1); };
  const auto producers = draw(1, 6), consumers = draw(1, 6), capacity = draw(1, 12);
  const auto order = draw(0, 1) == 0 ? channel_order::fifo : channel_order::priority;
  stage s{{.capacity = capacity, .order = order, .producers = producers, .pull = draw(0, 3) == 0}};
  struct maker {
    caf::actor who;
    log_ptr log;
    std::uint64_t left, used = 0, asked = 0;
    bool done = false;
  };
  std::vector<maker> makers;
  std::vector<std::pair<caf::actor, log_ptr>> takers;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < producers; ++i) {
    auto [who, log] = s.someone();
    makers.push_back({who, log, draw(0, 40)});
    total += makers.back().left;
  }
  for (std::uint64_t i = 0; i < consumers; ++i)
    takers.push_back(s.someone());
  std::int64_t next = 0;
  auto over = [&] {
    return std::all_of(takers.begin(), takers.end(), [](auto& taker) { return taker.second->closed != 0; });
  };
  for (int step = 0; step < 100'000 && !over(); ++step) {
    auto& maker = makers[draw(0, producers - 1)];
    if (const auto open = maker.log->credit - maker.used; open > 0) {
      std::vector<std::pair<std::int64_t, std::int64_t>> items;
      for (auto n = draw(1, open); n > 0; --n, ++maker.used, --maker.left)
        items.emplace_back(next++, static_cast<std::int64_t>(draw(0, 3)));
      s.put(maker.who, items);
    } else if (maker.left > 0 && maker.asked == maker.log->credit) {
      const auto n = draw(1, maker.left);
      maker.asked += n;
      s.say(maker.who, channel_want{n});
    } else if (maker.left == 0 && !std::exchange(maker.done, true)) {
      s.say(maker.who, channel_done{});
    }
    s.say(takers[draw(0, consumers - 1)].first, channel_take{draw(1, 8)});
  }
  INFO("seed " << seed);
  REQUIRE(over());
  std::vector<channel_item<std::int64_t>> all;
  for (auto& [who, log] : takers)
    all.insert(all.end(), log->items.begin(), log->items.end());
  REQUIRE(all.size() == total);
  std::set<std::int64_t> once;
  for (auto& item : all)
    once.insert(item.value);
  CHECK(once.size() == total);
  const auto report = s.report();
  CHECK(report.fill_max <= capacity);
  CHECK(report.refused == 0);
  // Nobody left while one stood before him.
  for (auto& x : all)
    for (auto& y : all) {
      const bool both_there = y.entered < x.left && x.left < y.left;
      const bool y_first =
          order == channel_order::fifo
              ? y.entered < x.entered
              : y.priority > x.priority || (y.priority == x.priority && y.entered < x.entered);
      if (both_there && y_first) FAIL("seed " << seed << ": " << x.value << " overtook " << y.value);
    }
}

} // namespace

TEST_CASE("whatever producers and consumers do, each item arrives once, in order, within the bound",
          "[actors][channel]") {
  for (unsigned seed = 1; seed <= 60; ++seed)
    random_play(seed);
}

TEST_CASE("the history of the fill keeps its size and loses no extreme", "[actors][channel]") {
  fill_history history;
  for (int i = 0; i <= 100'000; ++i)
    history.note(std::chrono::microseconds{i * 37}, i == 54'321 ? 1'000 : static_cast<std::uint64_t>(i % 10));
  const auto samples = history.samples();
  REQUIRE_FALSE(samples.empty());
  CHECK(samples.size() <= fill_history::samples_max);
  std::uint64_t high = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    high = std::max(high, samples[i].high);
    if (i > 0) CHECK(samples[i].from == samples[i - 1].to);
  }
  CHECK(high == 1'000);
  CHECK(samples.back().to == std::chrono::microseconds{3'700'000});
}
