// What the tests of the transport room share.
#pragma once

#include "tests/support/temporary_directory.hpp"
#include "transport/hub/hub.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>
#include <zmq.h>

namespace transport_tests {

using namespace troupe;
using namespace std::chrono_literals;
using transport::byte_buffer;
using transport::down_reason;
using transport::envelope_header;
using transport::envelope_kind;
using transport::hub;
using transport::hub_options;
using transport::inbound_frame;
using transport::peer_ptr;
using transport::send_result;
using troupe::testing::temporary_directory;

/// Long enough that only a test that would fail anyway waits for it to pass.
inline constexpr auto patience = 30s;

inline std::uint64_t fresh_incarnation() {
  static std::random_device device;
  return (std::uint64_t{device()} << 32 | device()) | 1;
}

inline send_result send_text(const peer_ptr& p, std::string_view text, std::uint64_t receiver = 1,
                             envelope_kind kind = envelope_kind::message) {
  envelope_header header;
  header.kind = kind;
  header.receiver = receiver;
  return p->send(header, [&](byte_buffer& out) {
    out.insert(out.end(), text.begin(), text.end());
    return true;
  });
}

/// What a listener heard of one peer; compared as text.
struct heard {
  std::string peer;
  std::uint64_t incarnation = 0;
  std::string what; ///< "up", "down REASON", or a message's payload
  std::uint64_t lost = 0;
};

class recording_listener : public transport::hub_listener {
 public:
  void on_peer_up(const peer_ptr& p) override {
    add({p->identity().name, p->identity().incarnation, "up", 0});
  }
  void on_frame(const peer_ptr& p, inbound_frame frame) override {
    transport::envelope_view view;
    std::vector<heard> all;
    while (frame.next(view))
      all.push_back({p->identity().name, p->identity().incarnation,
                     std::string(view.payload.begin(), view.payload.end()), 0});
    {
      const std::lock_guard guard(mutex_);
      if (keep_frames_) kept_.push_back(std::move(frame));
      events_.insert(events_.end(), all.begin(), all.end());
    }
    changed_.notify_all();
  }
  void on_peer_down(const peer_ptr& p, down_reason reason, std::string_view detail,
                    std::uint64_t lost) override {
    last_detail = detail;
    add({p->identity().name, p->identity().incarnation, "down " + std::string(to_string(reason)), lost});
  }

  /// Waits until the predicate holds for what was heard; false when patience ends.
  template <class Predicate>
  bool wait(Predicate&& holds) {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, patience, [&] { return holds(events_); });
  }
  bool wait_for(const std::string& peer, const std::string& what) {
    return wait([&](const std::vector<heard>& all) {
      for (const auto& e : all)
        if (e.peer == peer && e.what == what) return true;
      return false;
    });
  }
  bool wait_count(std::size_t count) {
    return wait([&](const std::vector<heard>& all) { return all.size() >= count; });
  }
  std::vector<heard> events() const {
    const std::lock_guard guard(mutex_);
    return events_;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> result;
    for (const auto& e : events())
      result.push_back(e.what);
    return result;
  }
  void keep_frames(bool keep) {
    const std::lock_guard guard(mutex_);
    keep_frames_ = keep;
    if (!keep) kept_.clear();
  }
  std::string last_detail; ///< of the last peer that went down; read after waiting for it

 private:
  void add(heard h) {
    {
      const std::lock_guard guard(mutex_);
      events_.push_back(std::move(h));
    }
    changed_.notify_all();
  }
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<heard> events_;
  bool keep_frames_ = false;
  std::vector<inbound_frame> kept_;
};

/// A hub with all that it needs.
struct test_node {
  explicit test_node(hub_options options)
      : recorder({{}, options.identity.name, options.identity.incarnation, trace::level::off}),
        transport(std::make_unique<hub>(std::move(options), listener, recorder, books)) {}
  test_node(const std::string& name, const std::string& listen, void* context = nullptr)
      : test_node(options_for(name, listen, context)) {}

  static hub_options options_for(const std::string& name, const std::string& listen,
                                 void* context = nullptr) {
    hub_options options;
    options.identity = {name, fresh_incarnation()};
    options.listen = listen;
    options.zmq_context = context;
    options.heartbeat = 20ms;
    if (std::getenv("TRANSPORT_TEST_LOG") != nullptr)
      options.log = [name](transport::log_level, std::string_view text) {
        std::fprintf(stderr, "%s: %.*s\n", name.c_str(), static_cast<int>(text.size()), text.data());
      };
    return options;
  }

  /// Connects and waits; null when it did not work, and `why` says why.
  peer_ptr connect(const std::string& endpoint, std::string* why = nullptr,
                   std::chrono::milliseconds timeout = 20s) {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    peer_ptr result;
    transport->connect(endpoint, timeout, [&](peer_ptr p, std::string_view why_not) {
      const std::lock_guard guard(mutex);
      result = std::move(p);
      if (why != nullptr) *why = why_not;
      done = true;
      changed.notify_all();
    });
    std::unique_lock guard(mutex);
    changed.wait(guard, [&] { return done; });
    return result;
  }

  recording_listener listener;
  trace::recorder recorder;
  trace::ledger books;
  std::unique_ptr<hub> transport; ///< last: ends first
};

/// Owns a context to share over inproc.
struct shared_context {
  void* get = zmq_ctx_new();
  shared_context() = default;
  shared_context(const shared_context&) = delete;
  shared_context& operator=(const shared_context&) = delete;
  ~shared_context() { zmq_ctx_term(get); }
};

} // namespace transport_tests
