// Serves one page over HTTP, as a monitoring system fetches it.
#pragma once

#include "base/descriptor.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace troupe::cli {

/// Answers GET and HEAD from construction to destruction, on one thread of its own, which takes no
/// signals. Nobody waits for another client: a connection that says nothing, or does not read
/// its answer, is closed after `patience`; beyond `connections_max` the oldest goes.
class page_server {
 public:
  static constexpr std::size_t connections_max = 64;
  static constexpr std::size_t request_bytes_max = 16U << 10;

  struct page {
    std::string path; ///< "/metrics"
    std::string type; ///< of the content, for the header
    /// Called for each request, by the server's thread.
    std::function<std::string()> text;
  };
  /// `listening`: a TCP socket on which listen() was called. Throws std::system_error.
  page_server(descriptor listening, page, std::chrono::milliseconds patience = std::chrono::seconds{2});
  ~page_server();
  page_server(const page_server&) = delete;
  page_server& operator=(const page_server&) = delete;

 private:
  const descriptor listening_;
  const page page_;
  const std::chrono::milliseconds patience_;
  descriptor stop_; ///< readable: the thread shall end
  std::thread thread_;
};

} // namespace troupe::cli
