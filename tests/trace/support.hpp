// What the tests of the trace share.
#pragma once

#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"
#include "trace/merge/model.hpp"
#include "trace/record/recorder.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>

namespace troupe::tests {

/// Holds threads back until it is opened.
class gate {
 public:
  void open() {
    std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

/// How most tests record.
inline trace::recorder_options options_in(const std::filesystem::path& directory, std::string node = "w1") {
  trace::recorder_options o;
  o.directory = directory;
  o.node = std::move(node);
  o.incarnation = 0x1234;
  return o;
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

inline bool has_remark(const trace::model& m, std::string_view part) {
  return std::ranges::any_of(m.remarks, [&](auto& r) { return r.text.find(part) != std::string::npos; });
}

} // namespace troupe::tests
