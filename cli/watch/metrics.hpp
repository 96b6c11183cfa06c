// Serves what is known of a run to Prometheus.
#pragma once

#include "cli/watch/watch_source.hpp"

#include <memory>
#include <stdexcept>

namespace troupe::cli {

/// what() is a sentence.
class metrics_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// HOST:PORT, [IPV6]:PORT or a PORT on loopback; the port `*` or 0 is chosen by the system.
struct metrics_address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  /// Throws metrics_error.
  static metrics_address parse(const std::string&);
  /// "127.0.0.1:9464", "[::1]:9464"
  std::string text() const;
};

/// Serves them from construction to destruction, see page_server.
class metrics_server {
 public:
  /// Throws metrics_error where the address cannot be listened on.
  metrics_server(const metrics_address&, std::shared_ptr<run_source>);
  ~metrics_server();
  metrics_server(const metrics_server&) = delete;
  metrics_server& operator=(const metrics_server&) = delete;

  /// "http://127.0.0.1:9464/metrics"
  std::string url() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::cli
