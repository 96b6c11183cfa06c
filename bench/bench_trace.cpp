// bench_trace [--json]: what recording costs, what an event takes on disk, and how fast
// ten million events are read, merged and summarised.

#include "base/json_writer.hpp"
#include "bench/trace_bench.hpp"
#include "trace/check/summary.hpp"
#include "trace/merge/merge.hpp"
#include "trace/record/recorder.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace troupe;
using bench::trace_figure;

namespace {

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point begin) {
  return std::chrono::duration<double>(clock_type::now() - begin).count();
}

/// Of this thread: what a call costs does not depend on who else wants the processor.
double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

class scratch {
 public:
  scratch() {
    auto name = (std::filesystem::temp_directory_path() / "troupe-bench-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

trace::recorder_options options_in(const std::filesystem::path& dir) {
  trace::recorder_options o;
  o.directory = dir;
  o.node = "bench";
  o.incarnation = 1;
  return o;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// The calls that one local message costs, three readings of the clock among them.
double message_ns(int messages) {
  std::vector<double> rounds;
  for (int round = 0; round < 9; ++round) {
    scratch dir;
    trace::recorder r{options_in(dir.path())};
    auto a = r.add_actor(0, 1, "a"), b = r.add_actor(0, 2, "b");
    auto type = r.intern("message");
    auto begin = cpu_seconds();
    for (int i = 0; i < messages; ++i) {
      auto id = r.send({}, a, b, type).id;
      auto handling = r.now();
      r.handling(id, b, type, handling);
      r.handled(id, b, type, handling);
    }
    rounds.push_back((cpu_seconds() - begin) / messages * 1e9);
  }
  return median(rounds);
}

double clock_ns(int readings) {
  scratch dir;
  trace::recorder r{options_in(dir.path())};
  std::vector<double> rounds;
  std::uint64_t sum = 0;
  for (int round = 0; round < 9; ++round) {
    auto begin = cpu_seconds();
    for (int i = 0; i < readings; ++i)
      sum += r.now();
    rounds.push_back((cpu_seconds() - begin) / readings * 1e9);
  }
  return sum == 0 ? 0 : median(rounds);
}

/// Ten million records as a pool would make them: 20 actors on 2 nodes, every message of
/// them caused by one before, one in eight between the nodes.
std::uint64_t write_trace(const std::filesystem::path& dir, std::uint64_t records) {
  auto first = options_in(dir), second = options_in(dir);
  first.node = "main";
  second.node = "w1";
  second.incarnation = 2;
  trace::recorder nodes[2] = {trace::recorder{first}, trace::recorder{second}};
  trace::node_index other[2] = {nodes[0].add_node("w1", 2), nodes[1].add_node("main", 1)};
  trace::actor_index local[2][10], remote[2][10];
  trace::string_index type[2];
  for (int n = 0; n < 2; ++n) {
    type[n] = nodes[n].intern("assign_task");
    for (std::uint64_t a = 0; a < 10; ++a) {
      local[n][a] = nodes[n].add_actor(0, a + 1, "worker");
      remote[n][a] = nodes[n].add_actor(other[n], a + 1, "");
      nodes[n].spawned(local[n][a], 0, {});
    }
  }
  std::uint64_t written = 20;
  trace::message_id cause[2];
  for (std::uint64_t i = 0; written < records; ++i) {
    auto n = i & 1, to = i % 8 == 0 ? 1 - n : n, a = i % 10;
    auto& from = nodes[n];
    auto id = from.send(cause[n], local[n][a], to == n ? local[n][(a + 1) % 10] : remote[n][a], type[n]).id;
    auto& here = nodes[to];
    auto there = to == n ? id : trace::message_id::make(other[to], id.number());
    if (to != n) {
      here.delivered(there, local[to][a], type[to], 64, here.now());
      ++written;
    }
    auto begin = here.now();
    here.handled(there, local[to][to == n ? (a + 1) % 10 : a], type[to], begin);
    cause[to] = there;
    written += 2;
  }
  return written;
}

struct load_result {
  double seconds = 0;
  double cpu_seconds = 0;
  double mib = 0;
};

/// In a process of its own, so that its peak of memory is that of reading alone.
load_result load_in_child(const std::filesystem::path& dir) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
  auto child = fork();
  if (child == 0) {
    auto begin = clock_type::now();
    auto m = trace::load({dir});
    auto text = render_text(trace::summarize(m), 0).plain();
    load_result r{seconds_since(begin), cpu_seconds(), 0};
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    r.mib = static_cast<double>(usage.ru_maxrss) / 1024;
    bool sound = m.complete() && text.find("it balances") != std::string::npos;
    _exit(sound && write(ends[1], &r, sizeof r) == sizeof r ? 0 : 1);
  }
  close(ends[1]);
  load_result r;
  auto got = read(ends[0], &r, sizeof r);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (got != sizeof r || status != 0) throw std::runtime_error("reading the trace failed");
  return r;
}

void measure_reading(std::vector<trace_figure>& out) {
  scratch dir;
  auto records = write_trace(dir.path(), 10'000'000);
  std::uint64_t bytes = 0;
  for (auto& f : std::filesystem::directory_iterator{dir.path()})
    bytes += f.file_size();
  auto r = load_in_child(dir.path());
  auto handled = records * 8 / 17; // of each 17 records 8 are a handler's begin and end in one
  out.push_back({"bytes_per_event", static_cast<double>(bytes) / static_cast<double>(records + handled),
                 "on disk, where begin and end of a handler are two events in one record"});
  out.push_back({"bytes_per_record", static_cast<double>(bytes) / static_cast<double>(records), "on disk"});
  out.push_back({"load_10m_s", r.seconds, "seconds to read, merge and summarise 10 million records"});
  out.push_back({"load_10m_cpu_s", r.cpu_seconds, "seconds of processor time for that"});
  out.push_back({"load_10m_mib", r.mib, "MiB of memory at the peak of that"});
}

} // namespace

int main(int argc, char** argv) {
  bool json = argc == 2 && std::strcmp(argv[1], "--json") == 0;
  if (argc > 1 && !json) {
    fmt::print(stderr, "usage: bench_trace [--json]\n");
    return 2;
  }
  std::vector<trace_figure> figures;
  bench::measure_traced_actors(figures);
  measure_reading(figures);
  figures.push_back(
      {"recorder_ns_per_message", message_ns(300'000), "all recorder calls of one local message"});
  figures.push_back(
      {"clock_ns", clock_ns(1'000'000), "one reading of the clock; a message takes two or three"});
  std::string out;
  json_writer j{out};
  j.object();
  for (auto& f : figures)
    j.member(f.key, f.value);
  j.end();
  if (json) {
    fmt::print("{}\n", out);
    return 0;
  }
  for (auto& f : figures)
    fmt::print("{:<38} {:>10.2f}  {}\n", f.key, f.value, f.about);
  return 0;
}
