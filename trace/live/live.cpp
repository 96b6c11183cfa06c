#include "trace/live/live.hpp"

#include "trace/live/live_counts.hpp"
#include "trace/live/live_file.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>

namespace troupe::trace {
namespace {

/// w2 before w10.
bool natural_less(std::string_view a, std::string_view b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  while (!a.empty() && !b.empty()) {
    if (digit(a[0]) && digit(b[0])) {
      const auto number = [&](std::string_view& text) {
        std::size_t zeros = 0, end = 0;
        while (zeros < text.size() && text[zeros] == '0')
          ++zeros;
        end = zeros;
        while (end < text.size() && digit(text[end]))
          ++end;
        const auto digits = text.substr(zeros, end - zeros);
        text.remove_prefix(end);
        return digits;
      };
      const auto x = number(a), y = number(b);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else if (a[0] != b[0]) {
      return a[0] < b[0];
    } else {
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.size() < b.size();
}

/// One start of one node.
struct one_start {
  explicit one_start(std::filesystem::path path) : file(std::move(path)) {}
  live_file file;
  live_counts counts;
  live_file::status status = live_file::status::waiting;
};

/// A further segment of a trace is `<stem>.0001.trace`; live_file finds it by itself.
bool is_first_segment(const std::filesystem::path& path) {
  const auto number = path.stem().extension().string();
  return !(number.size() >= 5 && number.find_first_not_of("0123456789", 1) == std::string::npos);
}

} // namespace

struct live_view::impl {
  const std::filesystem::path run_dir;
  const std::size_t actors_max;
  std::map<std::filesystem::path, std::unique_ptr<one_start>> traces;

  void scan() {
    std::error_code error;
    for (std::filesystem::directory_iterator entry(run_dir, error), end; !error && entry != end;
         entry.increment(error)) {
      const auto& path = entry->path();
      if (path.extension() == ".trace" && is_first_segment(path) && !traces.contains(path))
        traces.emplace(path, std::make_unique<one_start>(path));
    }
  }

  void add_books(std::map<std::string, live_node>& nodes) const {
    for (const auto& kept : books_in(run_dir)) { // without those that are being made
      auto& sum = nodes[kept.node].books;
      if (!sum) sum.emplace();
      *sum += kept.counts;
    }
  }

  void read_traces(std::uint64_t now) {
    for (auto& [path, start] : traces) {
      start->status = start->file.read(start->counts);
      const auto base = start->file.base_mono_ns();
      start->counts.fall_due(now > base ? now - base : 0);
    }
  }

  void add_traces(std::map<std::string, live_node>& nodes, std::vector<live_actor>& actors) const {
    std::map<std::string, const one_start*> latest;
    for (const auto& [path, start] : traces) {
      if (start->status == live_file::status::waiting) continue;
      const auto& name = start->file.node();
      if (name.empty()) continue;
      auto& node = nodes[name];
      node.traced = true;
      node.sample_one_in = std::max(node.sample_one_in, start->file.sample_one_in());
      node.ended_early = node.ended_early || start->file.ended_early();
      node.damaged = node.damaged || start->status == live_file::status::broken || start->counts.incomplete();
      start->counts.add_types(node);
      auto& last = latest[name];
      if (!last || last->file.base_unix_ns() < start->file.base_unix_ns()) last = start.get();
    }
    for (const auto& [name, start] : latest) {
      auto& node = nodes[name];
      node.name = name;
      start->counts.tell_actors(node, actors, actors_max);
    }
    std::ranges::sort(actors, [](const live_actor& a, const live_actor& b) {
      if (a.depth != b.depth) return a.depth > b.depth;
      return a.node != b.node ? natural_less(a.node, b.node) : a.id < b.id;
    });
    if (actors.size() > actors_max) actors.resize(actors_max);
  }
};

live_view::live_view(std::filesystem::path run_dir, std::size_t actors_max)
    : impl_(new impl{std::move(run_dir), actors_max, {}}) {}
live_view::~live_view() = default;

live_state live_view::look(std::chrono::nanoseconds now) {
  impl_->scan();
  std::map<std::string, live_node> nodes;
  live_state state;
  impl_->read_traces(static_cast<std::uint64_t>(std::max<std::int64_t>(now.count(), 0)));
  impl_->add_books(nodes);
  impl_->add_traces(nodes, state.actors);
  for (auto& [name, node] : nodes) {
    node.name = name;
    state.nodes.push_back(std::move(node));
  }
  std::ranges::sort(state.nodes,
                    [](const live_node& a, const live_node& b) { return natural_less(a.name, b.name); });
  return state;
}

std::uint64_t live_view::bytes_read() const {
  std::uint64_t sum = 0;
  for (const auto& [path, start] : impl_->traces)
    sum += start->file.bytes_read();
  return sum;
}

} // namespace troupe::trace
