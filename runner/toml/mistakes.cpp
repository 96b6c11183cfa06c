#include "runner/toml/mistakes.hpp"
#include "base/words.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

/// A last line of defence: no name or value may bring a terminal into disorder.
constexpr std::size_t sentence_max = 1'000;

} // namespace

void mistakes::add(const place& where, const std::string& message, const std::string& help) {
  if (full()) {
    ++dropped_;
    return;
  }
  diagnostic d;
  d.message = excerpt(message, sentence_max);
  d.help = excerpt(help, sentence_max);
  if (where.in) {
    d.source = where.in->name();
    d.line = where.in->has_lines() ? where.line : 0;
    d.text = where.in->line(where.line);
    // The second byte of a line end would stand one further than anyone can see.
    d.column = std::min<std::size_t>(where.column, code_points(d.text) + 1);
    d.width = where.width;
  }
  found_.push_back({where.in ? where.in->from() : origin::file, std::move(d)});
}

void mistakes::add_global(std::string source, const std::string& message, const std::string& help) {
  diagnostic d;
  d.source = std::move(source);
  d.message = excerpt(message, sentence_max);
  d.help = excerpt(help, sentence_max);
  found_.push_back({origin::file, std::move(d)});
}

std::vector<diagnostic> mistakes::take() {
  std::stable_sort(found_.begin(), found_.end(), [](const entry& a, const entry& b) {
    if (a.from != b.from) return a.from < b.from;
    if (a.from != origin::file) return false; // as given
    return std::tie(a.what.line, a.what.column) < std::tie(b.what.line, b.what.column);
  });
  std::vector<diagnostic> result;
  for (auto& [from, d] : found_)
    result.push_back(std::move(d));
  if (dropped_ > 0) {
    diagnostic d;
    d.source = result.front().source;
    d.message = fmt::format("{} more mistake{} not shown", dropped_, dropped_ == 1 ? " is" : "s are");
    result.push_back(std::move(d));
  }
  found_.clear();
  return result;
}

} // namespace troupe::scenarios::file
