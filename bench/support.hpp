// What the benchmarks share: the machine's description, medians, child processes.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <sys/types.h>
#include <vector>

namespace bench {

/// Processor, cores, memory and kernel, in one line: every figure names its machine.
std::string machine();

/// Of an unsorted sample; `part` 0.5 is the median. 0 for an empty one.
double percentile(std::vector<double> sample, double part);

/// Resident memory of a process in bytes.
std::size_t resident_bytes(pid_t);

/// This program again, with other arguments; it prints one line when it is ready.
class child {
 public:
  explicit child(const std::vector<std::string>& arguments);
  ~child(); ///< kills it
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  const std::string& first_line() const { return line_; }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::string line_;
};

/// For the child: prints its line and waits until it is killed or its parent is gone.
void ready_and_wait(const std::string& line);
/// As above without the waiting.
void ready(const std::string& line);

} // namespace bench
