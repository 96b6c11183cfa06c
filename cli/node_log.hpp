// Keeps what the nodes of a run wrote, each in <node>.log of the run directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

namespace troupe::cli {

/// A file is made with a node's first line. Not thread-safe. A disk that is full ends a
/// log, not the run.
class node_logs {
 public:
  static constexpr std::uint64_t log_bytes_max = 64U << 20;

  explicit node_logs(std::filesystem::path directory) : directory_(std::move(directory)) {}
  void write(const std::string& node, std::string_view line);

 private:
  struct log {
    std::ofstream file;
    std::uint64_t bytes = 0;
  };
  std::filesystem::path directory_;
  std::map<std::string, log> logs_;
};

} // namespace troupe::cli
