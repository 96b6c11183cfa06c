// Runs a trace command as the command line does, and catches what it writes.
#pragma once

#include "cli/trace/commands.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace troupe::tests {

struct command_result {
  int code = 0;
  std::string out, err;
};

class captured_stream {
 public:
  captured_stream() : file_{open_memstream(&data_, &size_)}, to_{file_} {}
  ~captured_stream() {
    std::fclose(file_);
    std::free(data_);
  }
  captured_stream(const captured_stream&) = delete;
  captured_stream& operator=(const captured_stream&) = delete;
  output& to() { return to_; }
  std::string text() {
    std::fflush(file_);
    return {data_, size_};
  }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
  output to_;
};

inline command_result run_command(int (*command)(const trace::trace_query&, output&, output&),
                                  const trace::trace_query& q) {
  captured_stream out, err;
  auto code = command(q, out.to(), err.to());
  return {code, out.text(), err.text()};
}

inline std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    all.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

} // namespace troupe::tests
