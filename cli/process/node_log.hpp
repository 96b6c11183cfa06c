// Keeps what the nodes of a run wrote, each in <node>.log of the run directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace troupe::cli {

/// A file is made with a node's first line. Not thread-safe. A disk that is full ends a
/// log, which is told once, and not the run.
class node_logs {
 public:
  static constexpr std::uint64_t log_bytes_max = 64U << 20;

  node_logs(std::filesystem::path directory, std::function<void(const std::string&)> tell)
      : directory_(std::move(directory)), tell_(std::move(tell)) {}
  void write(const std::string& node, std::string_view line);

 private:
  struct log {
    std::ofstream file;
    std::uint64_t bytes = 0;
    bool failed = false;
  };
  std::filesystem::path directory_;
  std::function<void(const std::string&)> tell_;
  std::map<std::string, log> logs_;
};

} // namespace troupe::cli
