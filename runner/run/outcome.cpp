// What a run amounts to: verdicts, exit codes, and the object of result.json.
#include "runner/run/runner.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::scenarios {

std::string how_it_ended(const process_exit& how) {
  if (how.signal == 0) return how.code == 0 ? "ended in order" : "exit code " + std::to_string(how.code);
  const char* name = ::sigabbrev_np(how.signal);
  return name != nullptr ? std::string{"killed by SIG"} + name
                         : "killed by signal " + std::to_string(how.signal);
}

nlohmann::json to_json(const outcome& x) {
  using nlohmann::json;
  json checks = json::array();
  for (auto& check : x.checks)
    checks.push_back({{"name", check.name}, {"passed", check.passed}, {"detail", check.detail}});
  json nodes = json::array();
  for (auto& node : x.nodes)
    nodes.push_back(
        {{"name", node.name}, {"pid", node.pid}, {"incarnation", node.incarnation}, {"ended", node.ended}});
  json failed = json::array();
  for (auto& [node, actor, why] : x.actors_failed)
    failed.push_back({{"node", node}, {"actor", actor}, {"why", why}});
  json dropped = json::object();
  for (std::size_t i = 0; i < trace::drop_reason_count; ++i)
    if (x.messages.dropped[i] != 0)
      dropped[std::string{to_string(static_cast<trace::drop_reason>(i))}] = x.messages.dropped[i];
  json result = {
      {"scenario", x.scenario},
      {"verdict", to_string(x.result_verdict)},
      {"reason", x.reason},
      {"checks", std::move(checks)},
      {"result", x.result},
      {"nodes", std::move(nodes)},
      {"actors_failed", std::move(failed)},
      {"actors_failed_count", x.actors_failed_count},
      {"messages",
       {{"sent", x.messages.sent},
        {"handled", x.messages.handled},
        {"dropped", std::move(dropped)},
        {"dead_lettered", x.messages.dead_lettered},
        {"lost", x.lost}}},
      {"elapsed_s", x.elapsed_s},
      {"seed", x.seed},
      {"run_dir", x.run_dir.string()},
  };
  if (!x.deadlock.empty()) result["deadlock"] = x.deadlock;
  return result;
}

} // namespace troupe::scenarios
