#include "cli/node_log.hpp"

namespace troupe::cli {

void node_logs::write(const std::string& node, std::string_view line) {
  auto [at, fresh] = logs_.try_emplace(node);
  auto& log = at->second;
  if (fresh) log.file.open(directory_ / (node + ".log"));
  if (log.bytes > log_bytes_max) return;
  log.bytes += line.size() + 1;
  log.file << line << '\n';
  if (log.bytes > log_bytes_max) log.file << "(the log ends here: it has reached its limit)\n";
  log.file.flush(); // whoever looks for the reason of a crash wants the last line, too
}

} // namespace troupe::cli
