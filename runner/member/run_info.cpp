#include "runner/member/run_info.hpp"

#include "runner/member/socket_directory.hpp"
#include "transport/frames/limits.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <span>
#include <sstream>
#include <stdexcept>

namespace troupe::scenarios {

namespace {

const std::string& entry(const std::map<std::string, std::string>& text, const char* key) {
  auto found = text.find(key);
  if (found == text.end())
    throw std::runtime_error(std::string{"the node that was joined says nothing of its run (no \""} + key
                             + "\"); is it a launcher?");
  return found->second;
}

template <class Number>
Number number(const std::map<std::string, std::string>& text, const char* key) {
  const auto& digits = entry(text, key);
  Number result{};
  const auto [end, err] = std::from_chars(digits.data(), digits.data() + digits.size(), result);
  if (err != std::errc{} || end != digits.data() + digits.size())
    throw std::runtime_error(std::string{"run information: \""} + key + "\" is not a number: " + digits);
  return result;
}

/// Greetings bound their texts; a key, a name and the rest are at most 106 octets.
constexpr std::size_t members_an_entry = 32;
constexpr std::size_t names_an_entry = 60; ///< of up to 64 octets and an end

std::vector<transport::allowed_client> members_from(const std::map<std::string, std::string>& text) {
  std::vector<transport::allowed_client> members;
  for (auto found = text.find("members.0"); found != text.end();
       found = text.find("members." + std::to_string(members.size() / members_an_entry))) {
    std::istringstream lines{found->second};
    for (std::string line; std::getline(lines, line);) {
      const auto gap = line.find(' ');
      if (gap == std::string::npos || !transport::is_key(line.substr(0, gap)))
        throw std::runtime_error("run information: \"" + found->first
                                 + "\" has a line that is no key and name");
      members.push_back({line.substr(0, gap), line.substr(gap + 1)});
    }
    if (members.size() % members_an_entry != 0) break;
  }
  return members;
}

std::vector<std::string> names_from(const std::map<std::string, std::string>& text) {
  std::vector<std::string> names;
  for (std::size_t part = 0;; ++part) {
    const auto found = text.find("external." + std::to_string(part));
    if (found == text.end()) return names;
    std::istringstream lines{found->second};
    for (std::string name; std::getline(lines, name);)
      names.push_back(name);
  }
}

} // namespace

std::string worker_name(std::int64_t number) { return 'w' + std::to_string(number); }

bool has_node(const run_info& run, const std::string& name) {
  if (name == "main") return true;
  if (!run.members.empty())
    return std::ranges::any_of(run.members, [&](const auto& each) { return each.node_name == name; });
  if (std::ranges::find(run.external, name) != run.external.end()) return true;
  std::int64_t number = 0;
  const auto [end, wrong] =
      std::from_chars(name.data() + std::min<std::size_t>(1, name.size()), name.data() + name.size(), number);
  return wrong == std::errc{} && number >= 1 && number <= run.workers && name == worker_name(number);
}

std::string not_awaited(const std::string& name, const std::vector<std::string>& external) {
  constexpr std::size_t told_max = 10; // all are in the scenario file
  const std::span told(external.data(), std::min(external.size(), told_max));
  auto names = fmt::format("{}", fmt::join(told, ", "));
  if (external.size() > told_max) names += " and " + std::to_string(external.size() - told_max) + " more";
  return name + " is no node of this run; it awaits " + (names.empty() ? "nobody who joins by hand" : names);
}

std::map<std::string, std::string> to_text(const run_info& x) {
  std::map<std::string, std::string> text{
      {"scenario", x.scenario},
      {"host", x.host},
      {"run_dir", x.run_dir.string()},
      {"seed", std::to_string(x.seed)},
      {"trace", std::to_string(static_cast<int>(x.trace.level))},
      {"trace_bytes_max", std::to_string(x.trace.bytes_max)},
      {"trace_sample_one_in", std::to_string(x.trace.sample_one_in())},
      {"threads", std::to_string(x.threads)},
      {"message_max", std::to_string(x.message_bytes_max)},
      {"scheduler", std::to_string(static_cast<int>(x.scheduler))},
      {"workers", std::to_string(x.workers)},
  };
  if (x.members.empty()) // which have the names
    for (std::size_t i = 0; i < x.external.size(); ++i)
      text["external." + std::to_string(i / names_an_entry)] += x.external[i] + '\n';
  for (std::size_t i = 0; i < x.members.size(); ++i)
    text["members." + std::to_string(i / members_an_entry)] +=
        x.members[i].public_key + ' ' + x.members[i].node_name + '\n';
  return text;
}

run_info run_info_from(const std::map<std::string, std::string>& text) {
  run_info x;
  x.scenario = entry(text, "scenario");
  x.host = entry(text, "host");
  x.run_dir = entry(text, "run_dir");
  x.seed = number<std::uint64_t>(text, "seed");
  x.trace.bytes_max = number<std::uint64_t>(text, "trace_bytes_max");
  x.threads = number<std::int64_t>(text, "threads");
  x.workers = number<std::int64_t>(text, "workers");
  x.external = names_from(text);
  x.message_bytes_max = number<std::uint64_t>(text, "message_max");
  x.members = members_from(text);
  const auto one_in = number<std::uint32_t>(text, "trace_sample_one_in");
  const auto level = number<int>(text, "trace");
  const auto scheduler = number<int>(text, "scheduler");
  if (level < 0 || level > static_cast<int>(trace::level::payloads) || scheduler < 0
      || scheduler > static_cast<int>(scheduler_kind::seeded))
    throw std::runtime_error("run information: trace level or scheduler out of range");
  if (x.message_bytes_max < transport::limits::frame_bytes_min
      || x.message_bytes_max > transport::limits::frame_bytes_ceiling)
    throw std::runtime_error("run information: \"message_max\" is out of range");
  if (one_in == 0) throw std::runtime_error("run information: \"trace_sample_one_in\" is 0");
  x.trace.sample = 1.0 / one_in;
  x.trace.level = static_cast<trace::level>(level);
  x.scheduler = static_cast<scheduler_kind>(scheduler);
  return x;
}

void allow_messages(std::uint64_t bytes_max, transport::hub_options& links) {
  constexpr std::size_t queued_at_least = 4; // of the largest
  links.frame_bytes_max = bytes_max;
  links.queue_bytes_max = std::max<std::size_t>(links.queue_bytes_max, queued_at_least * bytes_max);
}

std::string policy_name(scheduler_kind kind) {
  // CAF's scheduler without threads, which the run turns by itself.
  return kind == scheduler_kind::seeded ? "testing" : std::string{to_string(kind)};
}

std::string listen_beside(const std::string& launcher, std::uint64_t incarnation) {
  const std::string_view view = launcher;
  char place[17] = {};
  std::snprintf(place, sizeof place, "%016llx", static_cast<unsigned long long>(incarnation));
  if (view.starts_with("ipc://"))
    return "ipc://" + socket_of(std::filesystem::path{view.substr(6)}.parent_path(), place).string();
  if (view.starts_with("inproc://")) return launcher + '.' + place;
  if (view.starts_with("tcp://127.")) return "tcp://127.0.0.1:*";
  if (view.starts_with("tcp://localhost")) return "tcp://127.0.0.1:*";
  if (view.starts_with("tcp://[::1]")) return "tcp://[::1]:*";
  return {};
}

} // namespace troupe::scenarios
