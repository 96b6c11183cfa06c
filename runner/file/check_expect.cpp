// [expect].
#include "base/words.hpp"
#include "runner/file/checks.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

const std::array<std::string, 4> rule_keys{"equals", "min", "max", "contains"};

class expect_check {
 public:
  explicit expect_check(check_context& c) : c_(c) {}

  void read(const node& table, const std::string& prefix) {
    for (const auto& e : table.entries) {
      if (c_.wrong.full()) return;
      const std::string path = prefix.empty() ? e.key : prefix + '.' + e.key;
      const node& value = c_.read.literal(e.value);
      if (value.kind == node_kind::broken) continue;
      // `result.sum = 23` and [expect.result] are paths; `{ min = 1 }` is a rule.
      if (value.kind == node_kind::table && !value.inline_table)
        read(value, path);
      else if (is_path(path, e.at))
        read_one(path, e, value);
    }
  }

 private:
  bool is_path(const std::string& path, const place& at) {
    const bool holes =
        path.empty() || path.front() == '.' || path.back() == '.' || path.find("..") != std::string::npos;
    if (holes)
      c_.wrong.add(at, fmt::format("{} is not a path", tick(path)),
                   "for example result.sum or messages.dropped");
    return !holes;
  }

  void read_one(const std::string& path, const entry& e, const node& value) {
    auto& all = c_.result.expect;
    if (std::any_of(all.begin(), all.end(), [&](const expectation& x) { return x.path == path; })) {
      c_.wrong.add(e.at, fmt::format("{} is expected twice", tick(path)),
                   "use one inline table: { min = 1, max = 2 }");
      return;
    }
    if (all.size() == expectations_max) {
      c_.wrong.add(e.at, fmt::format("more than {} expectations", expectations_max));
      return;
    }
    expectation x;
    x.path = path;
    if (value.kind == node_kind::table) {
      if (!read_rule(path, value, x)) return;
    } else {
      x.equals = json_of(value, path);
      if (!x.equals) return;
    }
    all.push_back(std::move(x));
  }

  bool read_rule(const std::string& path, const node& table, expectation& x) {
    const std::size_t before = c_.wrong.count();
    for (const auto& e : table.entries)
      if (std::find(rule_keys.begin(), rule_keys.end(), e.key) == rule_keys.end())
        c_.wrong.add(e.at, fmt::format("unknown rule {} for {}", tick(e.key), tick(path)),
                     nearest(e.key, rule_keys).empty() ? fmt::format(
                         "rules are equals, min, max and contains; to go deeper write {}.{} = …",
                         excerpt(path), excerpt(e.key))
                                                       : suggest(e.key, rule_keys));
    if (const entry* e = table.find("min"))
      x.at_least = c_.read.number(e->value, {path + ".min", "a number"}, {});
    if (const entry* e = table.find("max"))
      x.at_most = c_.read.number(e->value, {path + ".max", "a number"}, {});
    if (const entry* e = table.find("equals")) x.equals = json_of(c_.read.literal(e->value), path);
    if (const entry* e = table.find("contains")) x.contains = json_of(c_.read.literal(e->value), path);
    if (x.at_least && x.at_most && *x.at_least > *x.at_most)
      c_.wrong.add(table.at, fmt::format("no number is at least {} and at most {}", *x.at_least, *x.at_most),
                   "swap `min` and `max`");
    if (table.entries.empty())
      c_.wrong.add(table.at, fmt::format("nothing is expected of {}", tick(path)),
                   "rules are equals, min, max and contains");
    return c_.wrong.count() == before;
  }

  std::optional<nlohmann::json> json_of(const node& n, const std::string& path) {
    switch (n.kind) {
    case node_kind::boolean:
      return n.boolean;
    case node_kind::integer:
      return n.integer;
    case node_kind::text:
    case node_kind::raw:
      return n.text;
    case node_kind::number:
      if (std::isfinite(n.number)) return n.number;
      c_.wrong.add(n.at, fmt::format("{} cannot be {}: a result holds no such number", tick(path), n.number));
      return std::nullopt;
    case node_kind::date:
      c_.wrong.add(n.at, fmt::format("{} cannot be a date or time: a result holds none", tick(path)),
                   "write it in quotes");
      return std::nullopt;
    case node_kind::broken:
      return std::nullopt;
    case node_kind::list: {
      auto list = nlohmann::json::array();
      for (const auto& item : n.items) {
        auto value = json_of(c_.read.literal(item), path);
        if (!value) return std::nullopt;
        list.push_back(std::move(*value));
      }
      return list;
    }
    case node_kind::table: {
      auto object = nlohmann::json::object();
      for (const auto& e : n.entries) {
        auto value = json_of(c_.read.literal(e.value), path);
        if (!value) return std::nullopt;
        object[e.key] = std::move(*value);
      }
      return object;
    }
    }
    return std::nullopt;
  }

  check_context& c_;
};

} // namespace

void check_expect(const node& given, check_context& c) {
  if (const node* table = c.read.table(given, {"expect", "a table: [expect] with verdict = \"passed\""}))
    expect_check(c).read(*table, "");
}

} // namespace troupe::scenarios::file
