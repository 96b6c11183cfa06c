// A process with one hub, for tests that stop and kill processes. It prints its endpoint
// and incarnation, sends every message back to whom it came from, and stops in order when
// its standard input ends. With consume=NANOSECONDS it takes so long for each message
// instead, and answers "end" with how many there were. With tell=1 it prints a line for each
// peer that comes or goes, and when it has stood still. Arguments: NAME LISTEN [key=value]...
#include "transport/hub/hub.hpp"

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <sys/prctl.h>
#include <thread>

using namespace troupe;

namespace {

struct echo final : transport::hub_listener {
  explicit echo(bool tells) : tells_(tells) {}
  void on_peer_up(const transport::peer_ptr& p) override {
    if (tells_) std::cout << "up " << p->identity().name << std::endl;
  }
  void on_frame(const transport::peer_ptr& p, transport::inbound_frame frame) override {
    transport::envelope_view view;
    while (frame.next(view)) {
      transport::envelope_header header;
      header.receiver = view.header.sender;
      p->send(header, [&](transport::byte_buffer& out) {
        out.insert(out.end(), view.payload.begin(), view.payload.end());
        return true;
      });
    }
  }
  void on_peer_down(const transport::peer_ptr& p, transport::down_reason why, std::string_view,
                    std::uint64_t) override {
    if (tells_) std::cout << "down " << p->identity().name << ' ' << to_string(why) << std::endl;
  }

 private:
  const bool tells_;
};

/// Takes frames one after the other on a thread of its own, at its own pace.
class consumer final : public transport::hub_listener {
 public:
  explicit consumer(std::chrono::nanoseconds each) : each_(each), thread_([this] { run(); }) {}
  ~consumer() override {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }
  void on_peer_up(const transport::peer_ptr&) override {}
  void on_frame(const transport::peer_ptr& p, transport::inbound_frame frame) override {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(p, std::move(frame));
    changed_.notify_all();
  }
  void on_peer_down(const transport::peer_ptr&, transport::down_reason, std::string_view,
                    std::uint64_t) override {}

 private:
  void run() {
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return done_ || !waiting_.empty(); });
      if (done_) return;
      auto [from, frame] = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      transport::envelope_view view;
      while (frame.next(view))
        take(from, std::string_view(view.payload.data(), view.payload.size()));
    }
  }
  void take(const transport::peer_ptr& from, std::string_view text) {
    if (text == "end") {
      const auto count = std::to_string(count_);
      from->send({.receiver = 1}, [&](transport::byte_buffer& out) {
        out.insert(out.end(), count.begin(), count.end());
        return true;
      });
      return;
    }
    ++count_;
    const auto until = std::chrono::steady_clock::now() + each_;
    while (std::chrono::steady_clock::now() < until) {
    }
  }

  const std::chrono::nanoseconds each_;
  std::uint64_t count_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<transport::peer_ptr, transport::inbound_frame>> waiting_;
  bool done_ = false;
  std::thread thread_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::map<std::string, std::string> settings;
  for (int i = 3; i < argc; ++i) {
    const std::string text(argv[i]);
    const auto equals = text.find('=');
    settings[text.substr(0, equals)] = text.substr(equals + 1);
  }
  transport::hub_options options;
  options.identity.name = argv[1];
  std::random_device device;
  options.identity.incarnation = (std::uint64_t{device()} << 32 | device()) | 1;
  options.listen = argv[2];
  options.heartbeat = std::chrono::milliseconds{20};
  options.plaintext = settings.contains("plaintext");
  if (settings.contains("liveness"))
    options.liveness = std::chrono::milliseconds{std::stol(settings["liveness"])};
  if (settings.contains("tell"))
    options.on_standstill = [](std::chrono::nanoseconds) { std::cout << "stood still" << std::endl; };
  try {
    std::unique_ptr<transport::hub_listener> listener = std::make_unique<echo>(settings.contains("tell"));
    if (settings.contains("consume"))
      listener = std::make_unique<consumer>(std::chrono::nanoseconds{std::stol(settings["consume"])});
    trace::recorder recorder({{}, options.identity.name, options.identity.incarnation, trace::level::off});
    trace::ledger books;
    transport::hub hub(options, *listener, recorder, books);
    std::cout << hub.endpoint() << " " << hub.identity().incarnation << std::endl;
    if (settings.contains("connect"))
      hub.connect(settings["connect"], std::chrono::seconds{20}, [](const auto&, std::string_view why_not) {
        if (!why_not.empty()) std::cerr << why_not << "\n";
      });
    for (std::string line; std::getline(std::cin, line);) {
    }
    hub.stop(std::chrono::seconds{5});
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  return 0;
}
