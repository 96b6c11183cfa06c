#include "base/words.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace troupe {

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

template <class Words>
std::string nearest_of(std::string_view given, const Words& candidates) {
  const auto wanted = folded(given);
  std::string best;
  std::size_t best_distance = 1 + std::max<std::size_t>(1, wanted.size() / 3);
  for (const std::string_view candidate : candidates) {
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

} // namespace

std::string nearest(std::string_view given, std::span<const std::string> candidates) {
  return nearest_of(given, candidates);
}
std::string nearest(std::string_view given, std::span<const std::string_view> candidates) {
  return nearest_of(given, candidates);
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
    result += printable(text.substr(0, std::max<std::size_t>(1, n)));
    text.remove_prefix(std::max<std::size_t>(1, n));
    ++length;
  }
  return result;
}

std::string tick(std::string_view text) { return '`' + excerpt(text) + '`'; }

std::string in_quotes(std::string_view text) { return '"' + excerpt(text) + '"'; }

} // namespace troupe
