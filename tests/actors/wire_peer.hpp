// A node, and a peer of it that knows nothing but the wire.
#pragma once

#include "actors/node/node.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <caf/all.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace troupe::tests {

/// What a peer is, and what it takes.
struct wire_peer_options {
  std::string name = "greedy";
  std::uint64_t incarnation = transport::draw_incarnation();
  std::set<std::string, std::less<>> types{}; ///< that it reads
  std::vector<int> codecs{1};
  std::string listen{};
  std::size_t window_bytes = 32U << 20;
  bool keeps_frames = false; ///< is done with none, and gives no credit beyond the window
};

/// Sends what a test says, and keeps what it hears.
class wire_peer final : public transport::hub_listener {
 public:
  struct record {
    transport::envelope_header header;
    std::string payload;
  };

  explicit wire_peer(const std::string& endpoint, const wire_peer_options& what = {})
      : keeps_frames_(what.keeps_frames) {
    transport::hub_options options;
    options.identity = {what.name, what.incarnation};
    options.listen = what.listen;
    options.greeting =
        encode(greeting{.agent = 1, .pid = 1, .types = what.types, .codecs = what.codecs, .run = {}});
    options.queue_bytes_max = 1U << 30;
    options.window_bytes = what.window_bytes;
    hub_ = std::make_unique<transport::hub>(options, *this, recorder_, books_);
    hub_->connect(endpoint, std::chrono::seconds{20},
                  [this](const transport::peer_ptr& peer, std::string_view why_not) {
                    std::lock_guard lock{mutex_};
                    peer_ = peer;
                    why_ = why_not;
                    changed_.notify_all();
                  });
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return peer_ != nullptr || !why_.empty(); });
    REQUIRE(peer_ != nullptr);
  }

  void send(const transport::envelope_header& header, std::string_view payload = {}) {
    peer_->send(header, [&](transport::byte_buffer& out) {
      out.insert(out.end(), payload.begin(), payload.end());
      return true;
    });
  }
  std::string endpoint() const { return hub_->endpoint(); }

  /// The first record for which that holds; waits for it.
  template <class Predicate>
  record hears(Predicate holds) {
    std::unique_lock lock{mutex_};
    std::size_t looked_at = 0;
    const auto is_there = [&] {
      while (looked_at < heard_.size() && !holds(heard_[looked_at]))
        ++looked_at;
      return looked_at < heard_.size();
    };
    if (!changed_.wait_for(lock, std::chrono::seconds{60}, is_there)) FAIL("it does not come");
    return heard_[looked_at];
  }
  std::vector<record> all_heard() {
    std::lock_guard lock{mutex_};
    return heard_;
  }

  /// Why it was cut off, as it was told; waits for it.
  std::string end() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, std::chrono::seconds{60}, [this] { return down_; });
    return why_;
  }
  bool is_down() {
    std::lock_guard lock{mutex_};
    return down_;
  }

 private:
  void on_peer_up(const transport::peer_ptr&) override {}
  void on_frame(const transport::peer_ptr&, transport::inbound_frame frame) override {
    std::lock_guard lock{mutex_};
    transport::envelope_view view;
    while (frame.next(view))
      heard_.push_back({view.header, {view.payload.begin(), view.payload.end()}});
    if (keeps_frames_) kept_.push_back(std::move(frame));
    changed_.notify_all();
  }
  void on_peer_down(const transport::peer_ptr&, transport::down_reason, std::string_view detail,
                    std::uint64_t) override {
    std::lock_guard lock{mutex_};
    down_ = true;
    why_ = detail;
    changed_.notify_all();
  }

  const bool keeps_frames_;
  trace::recorder recorder_{{.directory = {}, .node = "greedy", .what = trace::level::off}};
  trace::ledger books_;
  std::mutex mutex_;
  std::condition_variable changed_;
  transport::peer_ptr peer_;
  std::vector<record> heard_;
  std::vector<transport::inbound_frame> kept_;
  bool down_ = false;
  std::string why_;
  std::unique_ptr<transport::hub> hub_;
};

/// A node that one can be a peer of, and what it says. `change` has the last word on its options.
struct open_node {
  explicit open_node(const std::function<void(node_options&)>& change = {}) {
    node_options options;
    options.name = "main";
    options.listen = "ipc://" + (directory.path() / "main").string();
    options.threads = 2;
    auto tell = [this](const std::string& text) {
      std::lock_guard lock{mutex};
      said += text + '\n';
    };
    options.warn = tell;
    options.hub.log = [tell](transport::log_level level, std::string_view text) {
      if (level == transport::log_level::warning) tell(std::string{text});
    };
    if (change) change(options);
    auto catalog = std::make_shared<message_catalog>();
    add_agent_messages(*catalog);
    main = std::make_unique<node>(std::move(options), std::move(catalog), role_map{},
                                  [this](const known_node& who, const greeting&) {
                                    std::lock_guard lock{mutex};
                                    up.insert(who.identity.name);
                                    changed.notify_all();
                                  });
  }
  /// Waits until it knows a node of that name: a peer is connected a moment earlier.
  void await(const std::string& name) {
    std::unique_lock lock{mutex};
    REQUIRE(changed.wait_for(lock, std::chrono::seconds{60}, [&] { return up.contains(name); }));
  }
  std::string what_it_said() {
    std::lock_guard lock{mutex};
    return said;
  }
  testing::temporary_directory directory;
  std::mutex mutex;
  std::condition_variable changed;
  std::string said;
  std::set<std::string> up;
  std::unique_ptr<node> main;
};

} // namespace troupe::tests
