// The load of ZeroMQ clients. A DEALER does not see that the server ends, so what is open
// when the load is stopped is waited for as long as the server may take for it.
#include "runner/api/scenario.hpp"
#include "scenarios/echo_server/load.hpp"
#include "transport/lines/line_clients.hpp"

#include <atomic>
#include <thread>

namespace troupe::scenarios::echo {

namespace {

using clock = std::chrono::steady_clock;

/// A server that was stopped after the load answers that long at most.
constexpr auto last_answers = way_to_server + stop_grace + std::chrono::milliseconds{250};

class zeromq_load final : public line_load {
 public:
  zeromq_load(line_load_plan plan, load_listener tell)
      : plan_(std::move(plan)), tally_(plan_, std::move(tell)), lines_(plan_.address, plan_.clients),
        clients_(plan_.clients), thread_([this] { run(); }) {}
  ~zeromq_load() override {
    ask(load_wish::end_now);
    thread_.join();
  }
  void stop() override { ask(load_wish::say_nothing_more); }

 private:
  void ask(load_wish what) {
    if (wanted_.load() >= what) return;
    wanted_.store(what);
    lines_.wake();
  }

  void run() {
    for (std::size_t i = 0; i < clients_.size(); ++i)
      begin(i);
    std::vector<transport::line_clients::line> arrived;
    clock::time_point stopped_at{};
    while (left_ > 0 && wanted_.load() != load_wish::end_now) {
      arrived.clear();
      lines_.wait(telling_interval, arrived);
      for (auto& each : arrived)
        on_line(each.client, each.text);
      tally_.tell();
      if (wanted_.load() != load_wish::say_nothing_more) continue;
      if (stopped_at == clock::time_point{}) stopped_at = clock::now();
      give_up(clock::now() - stopped_at >= last_answers);
    }
    if (left_ > 0) return;
    tally_.tell_end();
  }

  void begin(std::size_t index) {
    try {
      lines_.connect(index);
      ask_next(index);
    } catch (const std::exception&) {
      lose(index);
    }
  }

  void ask_next(std::size_t index) {
    auto& who = clients_[index];
    if (wanted_.load() != load_wish::go_on || who.said == plan_.messages) {
      finish(index);
      return;
    }
    tally_.says_next(who, index);
    if (!lines_.send(index, who.asked)) lose(index);
  }

  void on_line(std::size_t index, std::string_view line) {
    auto& who = clients_[index];
    if (who.through) return;
    const auto what = tally_.reads(who, line);
    if (what == heard::last_words) lose(index);
    if (what != heard::echo) return;
    if (plan_.reconnect && who.said < plan_.messages && wanted_.load() == load_wish::go_on)
      begin(index);
    else
      ask_next(index);
  }

  void give_up(bool all) {
    for (std::size_t i = 0; i < clients_.size(); ++i)
      if (!clients_[i].through && (all || clients_[i].asked.empty()))
        clients_[i].asked.empty() ? finish(i) : lose(i);
  }

  void lose(std::size_t index) {
    tally_.lost(clients_[index]);
    finish(index);
  }

  void finish(std::size_t index) {
    if (std::exchange(clients_[index].through, true)) return;
    lines_.close(index);
    --left_;
  }

  const line_load_plan plan_;
  load_tally tally_;
  transport::line_clients lines_;
  std::atomic<load_wish> wanted_{load_wish::go_on};
  std::vector<load_client> clients_;
  std::uint64_t left_ = plan_.clients;
  std::thread thread_;
};

} // namespace

std::unique_ptr<line_load> make_zeromq_load(line_load_plan plan, load_listener tell) {
  return std::make_unique<zeromq_load>(std::move(plan), std::move(tell));
}

} // namespace troupe::scenarios::echo
