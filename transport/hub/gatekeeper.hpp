// Who may connect (ZAP), and what strangers leave in the log.
#pragma once

#include "transport/hub/hub.hpp"
#include "transport/session/session.hpp"
#include "transport/zmq/zmq_socket.hpp"

#include <list>
#include <map>
#include <set>
#include <unordered_map>

namespace troupe::transport {

/// Notes what came from where, so that each stranger is logged once for each thing that it
/// tries, a flood of strangers does not flood the log, and memory stays bounded. Not thread-safe.
class stranger_log {
 public:
  explicit stranger_log(std::function<void(log_level, std::string_view)> log) : log_(std::move(log)) {}
  ~stranger_log();
  stranger_log(const stranger_log&) = delete;
  stranger_log& operator=(const stranger_log&) = delete;

  /// `place`: its host, or its process.
  void note(const std::string& place, std::string_view what, time_point now) { note(place, {}, what, now); }
  /// A node that said this name of itself.
  void note(const std::string& place, const std::string& name, std::string_view what, time_point now);
  std::uint64_t noted() const { return noted_; }

 private:
  struct stranger {
    std::list<std::string>::iterator at;
    std::set<std::string> told; ///< names, and with each what it was told
  };
  void say_unlogged();
  const std::function<void(log_level, std::string_view)> log_;
  std::unordered_map<std::string, stranger> known_; ///< by their places
  std::list<std::string> order_;
  std::uint64_t noted_ = 0;
  std::uint64_t unlogged_ = 0;
  time_point second_begin_{};
  std::size_t lines_this_second_ = 0;
};

/// Answers libzmq's questions about clients of CURVE sockets. To be made before the first
/// of these, and only once a context.
class gatekeeper {
 public:
  /// Throws std::runtime_error.
  gatekeeper(void* context, const security_options&, stranger_log&);

  int descriptor() const { return descriptor_; }
  /// Answers what has been asked; never blocks.
  void serve(time_point now);
  /// Whether the key, in Z85, may be used for a node of that name; for a visit any that is known.
  bool may_use(std::string_view key, const std::string& node_name) const;

 private:
  std::multimap<std::string, std::string, std::less<>> allowed_; ///< public key: node name, empty: any
  stranger_log& strangers_;
  zmq_socket socket_;
  int descriptor_ = -1;
};

} // namespace troupe::transport
