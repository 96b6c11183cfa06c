// Words that people gave, in messages: what was probably meant, and what of it is shown.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace troupe {

/// The candidate that was probably meant, or empty: few edits away, ignoring case and
/// the difference between - and _.
std::string nearest(std::string_view given, std::span<const std::string> candidates);
std::string nearest(std::string_view given, std::span<const std::string_view> candidates);

/// "did you mean `workers`?", or else "known here: a, b, c".
std::string suggest(std::string_view given, std::span<const std::string> candidates,
                    std::string_view known = "known here");

/// For messages: without control characters, cut to about `length_max` characters.
std::string excerpt(std::string_view, std::size_t length_max = 48);
/// `name`, as excerpt.
std::string tick(std::string_view);
/// "text", as excerpt.
std::string in_quotes(std::string_view);

} // namespace troupe
