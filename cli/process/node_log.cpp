#include "cli/process/node_log.hpp"

#include "base/files.hpp"

#include <cerrno>
#include <fmt/format.h>

namespace troupe::cli {

void node_logs::write(const std::string& node, std::string_view line) {
  auto [at, fresh] = logs_.try_emplace(node);
  auto& log = at->second;
  if (log.failed || log.bytes > log_bytes_max) return;
  const auto path = directory_ / (node + ".log");
  errno = 0;
  if (fresh) log.file.open(path);
  log.bytes += line.size() + 1;
  log.file << line << '\n';
  if (log.bytes > log_bytes_max) log.file << "(the log ends here: it has reached its limit)\n";
  log.file.flush(); // whoever looks for the reason of a crash wants the last line, too
  if (log.file) return;
  log.failed = true;
  tell_(fmt::format("{}; what {} writes from now on is shown here only",
                    file_error(path.string(), errno).what(), node));
}

} // namespace troupe::cli
