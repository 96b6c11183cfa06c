// The launcher's side of traces that do not lie in its run directory: who promised one, and
// what has come of it.
#pragma once

#include "transport/frames/standstill.hpp"
#include "transport/trace_upload/upload_receiver.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <variant>

namespace troupe::scenarios {

/// Takes what visitors bring into the run directory, on a thread of its own; what waits for
/// it holds the sender's credit, so memory is bounded. Only the traces that were promised
/// are taken, once each, of at most the size that a trace may have. Thread-safe; must
/// outlive the node that it hears from.
class trace_intake final : public transport::hub_listener {
 public:
  struct limits {
    std::uint64_t bytes_max = 0; ///< of one node's trace
    /// After a node has left, or while it uploads, so long without any sign is the end.
    std::chrono::milliseconds patience = std::chrono::seconds{10};
  };
  trace_intake(std::filesystem::path run_dir, limits);
  ~trace_intake() override;
  trace_intake(const trace_intake&) = delete;
  trace_intake& operator=(const trace_intake&) = delete;

  /// That start of a node keeps its trace in a place of its own and will bring it.
  void expect(const transport::node_identity&, std::string place);
  /// It has gone: in order, so that it will come now, or not.
  void on_node_gone(const transport::node_identity&, bool in_order);

  /// The nodes whose traces will still come, if nothing goes wrong. To be asked again and again: what
  /// this process does not see while it stands still itself is no absence.
  std::vector<std::string> awaited();
  /// Until something has changed, or the time is up.
  void wait_for_news(std::chrono::milliseconds);
  struct missing_trace {
    std::string node, place, why;
  };
  /// Of those that were promised, the ones that are not here.
  std::vector<missing_trace> missing();

  // -- hub_listener ------------------------------------------------------------------
  void on_peer_up(const transport::peer_ptr&) override {}
  void on_frame(const transport::peer_ptr&, transport::inbound_frame) override;
  void on_peer_down(const transport::peer_ptr&, transport::down_reason, std::string_view,
                    std::uint64_t) override;

 private:
  enum class progress : std::uint8_t { promised, due, arriving, here, failed, lost };
  struct promise {
    std::string node, place, why;
    progress at = progress::promised;
    bool node_left = false;
    std::chrono::steady_clock::time_point last_sign;
  };
  class store;
  struct visit;
  struct arrival {
    transport::peer_ptr from;
    std::optional<transport::inbound_frame> frame; ///< none: it has gone
  };

  void push(arrival);
  void work();
  void handle(arrival&);
  std::string begin(const transport::node_identity&, std::uint64_t bytes);
  void sign_of_life(std::uint64_t incarnation);
  void finish(std::uint64_t incarnation, bool kept, const std::string& why);

  const std::filesystem::path run_dir_;
  const limits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  transport::standstill_watch standstill_{std::chrono::steady_clock::now()};
  std::map<std::uint64_t, promise> promises_; ///< by incarnation
  std::deque<arrival> arrivals_;
  bool stopping_ = false;
  std::map<const transport::peer*, std::unique_ptr<visit>> visits_; ///< of the thread only
  std::thread thread_;
};

} // namespace troupe::scenarios
