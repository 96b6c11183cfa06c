#include "scenarios/file/mistakes.hpp"

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

namespace {

std::string folded(std::string_view text) {
  std::string result;
  for (char c : text.substr(0, 64))
    result += c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

/// Damerau-Levenshtein: insertions, deletions, substitutions, neighbours swapped.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    std::swap(last, row);
  }
  return last[b.size()];
}

} // namespace

std::string nearest(std::string_view given, std::span<const std::string> candidates) {
  const auto wanted = folded(given);
  std::string best;
  std::size_t best_distance = 1 + std::max<std::size_t>(1, wanted.size() / 3);
  for (const auto& candidate : candidates) {
    const auto have = folded(candidate);
    std::size_t distance = edit_distance(wanted, have);
    // Half a word ("work" for "workers", "timeout" for "join_timeout") is close, too.
    if (wanted.size() >= 3 && (have.starts_with(wanted) || have.ends_with(wanted)))
      distance = std::min<std::size_t>(distance, 1);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggest(std::string_view given, std::span<const std::string> candidates, std::string_view known) {
  if (const auto best = nearest(given, candidates); !best.empty())
    return fmt::format("did you mean `{}`?", best);
  if (candidates.empty()) return {};
  constexpr std::size_t shown_max = 24;
  const auto shown = candidates.subspan(0, std::min(shown_max, candidates.size()));
  return fmt::format("{}: {}{}", known, fmt::join(shown, ", "),
                     shown.size() < candidates.size() ? ", …" : "");
}

std::string excerpt(std::string_view text, std::size_t length_max) {
  std::string result;
  std::size_t length = 0;
  while (!text.empty()) {
    if (length == length_max) return result + "…";
    const std::size_t n = code_point_length(text);
    result += trace::printable(text.substr(0, std::max<std::size_t>(1, n)));
    text.remove_prefix(std::max<std::size_t>(1, n));
    ++length;
  }
  return result;
}

std::string tick(std::string_view text) { return '`' + excerpt(text) + '`'; }

std::string in_quotes(std::string_view text) { return '"' + excerpt(text) + '"'; }

} // namespace troupe::scenarios::file
