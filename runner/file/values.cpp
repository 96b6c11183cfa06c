#include "runner/file/values.hpp"
#include "base/words.hpp"

#include "base/units.hpp"

#include <cmath>

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

/// How a value looks in a message.
std::string shown(const node& n) {
  switch (n.kind) {
  case node_kind::text:
    return "the text " + in_quotes(n.text);
  case node_kind::raw:
    return in_quotes(n.text);
  case node_kind::integer:
    return std::to_string(n.integer);
  case node_kind::number:
    return format_number(n.number)
           + (std::floor(n.number) == n.number && std::fabs(n.number) < 1e15 ? ".0" : "");
  case node_kind::boolean:
    return n.boolean ? "true" : "false";
  case node_kind::broken:
  case node_kind::date:
  case node_kind::list:
  case node_kind::table:
    return std::string(kind_name(n));
  }
  return "something else";
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool is_raw(const node& n) { return n.kind == node_kind::raw; }

} // namespace

// -- raw texts -----------------------------------------------------------------

const node& value_reader::literal(const node& n) {
  if (!is_raw(n) && !(n.kind == node_kind::text && n.substituted)) return n;
  if (auto value = parse_value(trim(n.text), n.at, is_raw(n))) return made_.emplace_back(std::move(*value));
  node text = n;
  text.kind = node_kind::text;
  return made_.emplace_back(std::move(text));
}

const node& value_reader::text_node(const node& n) {
  if (!is_raw(n)) return n;
  const auto text = trim(n.text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front())
    if (auto value = parse_value(text, n.at, true)) return made_.emplace_back(std::move(*value));
  node plain = n;
  plain.kind = node_kind::text;
  return made_.emplace_back(std::move(plain));
}

const node& value_reader::list_node(const node& n) {
  if (!is_raw(n) && !(n.kind == node_kind::text && n.substituted)) return n;
  const auto text = trim(n.text);
  if (text.starts_with('[') || text.starts_with('{'))
    if (auto value = parse_value(text, n.at, is_raw(n))) return made_.emplace_back(std::move(*value));
  // `--set inputs=1,2,3` is what people type first.
  node result;
  result.kind = node_kind::list;
  result.at = n.at;
  const bool bracketed = text.starts_with('[') && text.ends_with(']');
  std::size_t at = static_cast<std::size_t>(text.data() - n.text.data()) + (bracketed ? 1 : 0);
  const std::size_t end = at + text.size() - (bracketed ? 2 : 0);
  while (at < end) {
    const std::size_t comma = std::min(n.text.find(',', at), end);
    const auto part = trim(std::string_view(n.text).substr(at, comma - at));
    node item;
    item.kind = is_raw(n) ? node_kind::raw : node_kind::text;
    item.substituted = n.substituted;
    item.text = part;
    item.at = n.at;
    if (is_raw(n) && !part.empty())
      item.at = place_of(*n.at.in,
                         n.at.in->offset(n.at.line, n.at.column)
                             + static_cast<std::size_t>(part.data() - n.text.data()),
                         part.size());
    if (!part.empty() || comma < end) result.items.push_back(std::move(item));
    at = comma + 1;
  }
  return made_.emplace_back(std::move(result));
}

// -- complaints ----------------------------------------------------------------

void value_reader::wrong_type(const node& n, const subject& what, std::string help) {
  if (n.kind == node_kind::broken) return;
  if (help.empty() && n.kind == node_kind::text && parse_value(n.text, n.at, false))
    help = fmt::format("expected {}; write it without quotes", what.expected);
  if (help.empty()) help = "expected " + what.expected;
  std::string message = fmt::format("`{}` cannot be {}", what.name, shown(n));
  if (n.substituted) message += " (after substitution)";
  wrong_.add(n.at, std::move(message), std::move(help));
}

void value_reader::out_of_range(const node& n, const subject& what, const std::string& value) {
  wrong_.add(n.at, fmt::format("`{}` = {} is out of range", what.name, value), "expected " + what.expected);
}

bool value_reader::within(const node& n, const subject& what, long double value,
                          const std::string& shown_value, const bounds& range) {
  const bool fits = (!range.low || value >= static_cast<long double>(*range.low))
                    && (!range.high || value <= static_cast<long double>(*range.high));
  if (!fits) out_of_range(n, what, shown_value);
  return fits;
}

// -- single values -------------------------------------------------------------

std::optional<bool> value_reader::boolean(const node& given, const subject& what) {
  const node& n = literal(given);
  if (n.kind == node_kind::boolean) return n.boolean;
  wrong_type(n, what);
  return std::nullopt;
}

std::optional<std::int64_t> value_reader::integer(const node& given, const subject& what,
                                                  const bounds& range) {
  const node& n = literal(given);
  if (n.kind == node_kind::number && std::floor(n.number) == n.number && std::fabs(n.number) < 1e15)
    wrong_type(n, what, fmt::format("expected {}; write {:.0f}, without a point", what.expected, n.number));
  else if (n.kind != node_kind::integer)
    wrong_type(n, what);
  else if (within(n, what, static_cast<long double>(n.integer), std::to_string(n.integer), range))
    return n.integer;
  return std::nullopt;
}

std::optional<double> value_reader::number(const node& given, const subject& what, const bounds& range) {
  const node& n = literal(given);
  if (n.kind == node_kind::integer) {
    if (within(n, what, static_cast<long double>(n.integer), std::to_string(n.integer), range))
      return static_cast<double>(n.integer);
  } else if (n.kind != node_kind::number)
    wrong_type(n, what);
  else if (!std::isfinite(n.number))
    out_of_range(n, what, fmt::format("{}", n.number));
  else if (within(n, what, n.number, format_number(n.number), range))
    return n.number;
  return std::nullopt;
}

std::optional<std::string> value_reader::text(const node& given, const subject& what,
                                              std::size_t length_max) {
  const node& n = text_node(given);
  if (n.kind != node_kind::text) {
    const bool plain =
        n.kind == node_kind::integer || n.kind == node_kind::number || n.kind == node_kind::boolean;
    wrong_type(n, what,
               plain ? fmt::format("expected {}; write it in quotes: \"{}\"", what.expected, shown(n))
                     : std::string());
    return std::nullopt;
  }
  if (n.text.size() <= length_max) return n.text;
  wrong_.add(n.at, fmt::format("`{}` is {} bytes long", what.name, n.text.size()),
             fmt::format("at most {} bytes are allowed", length_max));
  return std::nullopt;
}

std::optional<std::size_t> value_reader::choice(const node& given, const subject& what,
                                                std::span<const std::string_view> choices) {
  const node& n = text_node(given);
  for (std::size_t i = 0; i < choices.size(); ++i)
    if (n.kind == node_kind::text && choices[i] == n.text) return i;
  const std::vector<std::string> words(choices.begin(), choices.end());
  std::string help = "expected one of " + join_quoted(words);
  if (n.kind != node_kind::text) {
    wrong_type(n, what, std::move(help));
    return std::nullopt;
  }
  if (const auto best = nearest(n.text, words); !best.empty())
    help = fmt::format("did you mean \"{}\"? {}", best, help);
  wrong_.add(n.at, fmt::format("`{}` cannot be {}", what.name, in_quotes(n.text)), std::move(help));
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> value_reader::duration(const node& given, const subject& what,
                                                               const bounds& range) {
  const node& n = text_node(given);
  if (n.kind == node_kind::integer || n.kind == node_kind::number) {
    wrong_type(n, what, fmt::format("a duration needs a unit and quotes: \"{0}s\" or \"{0}ms\"", shown(n)));
    return std::nullopt;
  }
  if (n.kind != node_kind::text) {
    wrong_type(n, what);
    return std::nullopt;
  }
  const auto read = parse_duration(n.text);
  if (!read.value) {
    const bool bare = !n.text.empty() && n.text.find_first_not_of("0123456789.") == std::string::npos;
    wrong_.add(n.at, fmt::format("`{}`: {} {}", what.name, in_quotes(n.text), read.problem),
               bare ? fmt::format("write a unit: \"{0}s\" or \"{0}ms\"", excerpt(n.text))
                    : fmt::format("expected {}; units are d, h, m, s, ms, us, ns", what.expected));
    return std::nullopt;
  }
  // Rounded as the bounds are, which are numbers of seconds: 1ns is 1e-9, 100ms is 0.1.
  const auto seconds = static_cast<double>(read.value->count()) / 1e9;
  if (!within(n, what, seconds, in_quotes(n.text), range)) return std::nullopt;
  return read.value;
}

std::optional<std::uint64_t> value_reader::size(const node& given, const subject& what, std::uint64_t low,
                                                std::uint64_t high) {
  const node& n = text_node(given);
  std::uint64_t bytes = 0;
  if (n.kind == node_kind::integer && n.integer >= 0)
    bytes = static_cast<std::uint64_t>(n.integer);
  else if (n.kind == node_kind::text) {
    const auto read = parse_size(n.text);
    if (!read.value) {
      wrong_.add(n.at, fmt::format("`{}`: {} {}", what.name, in_quotes(n.text), read.problem),
                 fmt::format("expected {}; units are B, KiB, MiB, GiB, TiB, kB, MB, GB, TB", what.expected));
      return std::nullopt;
    }
    bytes = *read.value;
  } else if (n.kind == node_kind::integer) {
    out_of_range(n, what, std::to_string(n.integer));
    return std::nullopt;
  } else {
    wrong_type(n, what);
    return std::nullopt;
  }
  if (bytes >= low && bytes <= high) return bytes;
  out_of_range(n, what, n.kind == node_kind::text ? in_quotes(n.text) : std::to_string(bytes));
  return std::nullopt;
}

std::optional<std::uint64_t> value_reader::unsigned_number(const node& given, const subject& what) {
  const node& n = text_node(given);
  if (n.kind == node_kind::integer) {
    if (n.integer >= 0) return static_cast<std::uint64_t>(n.integer);
    out_of_range(n, what, std::to_string(n.integer));
    return std::nullopt;
  }
  if (n.kind == node_kind::text)
    if (const auto value = parse_unsigned(n.text)) return value;
  wrong_type(n, what, "expected " + what.expected);
  return std::nullopt;
}

// -- lists and tables ------------------------------------------------------------

template <class T, class Read>
std::optional<std::vector<T>> value_reader::list(const node& n, const subject& what, std::size_t count_max,
                                                 Read&& read) {
  if (n.kind != node_kind::list) {
    wrong_type(n, what,
               n.kind == node_kind::table
                   ? ""
                   : fmt::format("expected {}, in brackets: [{}]", what.expected,
                                 n.kind == node_kind::text ? in_quotes(n.text) : shown(n)));
    return std::nullopt;
  }
  if (n.items.size() > count_max) {
    wrong_.add(n.at, fmt::format("`{}` has {} elements", what.name, n.items.size()),
               fmt::format("at most {} are allowed", count_max));
    return std::nullopt;
  }
  std::vector<T> result;
  result.reserve(n.items.size());
  std::size_t failed = 0;
  for (std::size_t i = 0; i < n.items.size() && failed < wrong_elements_max; ++i) {
    if (auto value = read(n.items[i], fmt::format("{}[{}]", what.name, i)))
      result.push_back(std::move(*value));
    else
      ++failed;
  }
  if (failed > 0) return std::nullopt;
  return result;
}

std::optional<std::vector<std::string>> value_reader::texts(const node& given, const subject& what,
                                                            std::size_t count_max, std::size_t length_max) {
  return list<std::string>(list_node(given), what, count_max, [&](const node& item, std::string name) {
    return text(item, {std::move(name), "a text"}, length_max);
  });
}

std::optional<std::vector<std::string>>
value_reader::one_or_more_texts(const node& given, const subject& what, std::size_t count_max) {
  const bool listed = is_raw(given) && given.text.find_first_of("[,") != std::string::npos;
  const node& n = listed ? list_node(given) : text_node(given);
  if (n.kind == node_kind::text) return std::vector{n.text};
  return texts(n, what, count_max, 1'000);
}

const node* value_reader::table(const node& given, const subject& what) {
  const node& n = literal(given);
  if (n.kind == node_kind::table) return &n;
  wrong_type(n, what, "expected " + what.expected);
  return nullptr;
}

const node* value_reader::tables(const node& given, const subject& what, std::size_t count_max) {
  const node& n = list_node(given);
  if (n.kind == node_kind::table)
    wrong_.add(n.at, fmt::format("`{}` is a list of tables", what.name),
               fmt::format("write [[{}]] with two brackets, once for each", what.name));
  else if (n.kind != node_kind::list)
    wrong_type(n, what, "expected " + what.expected);
  else if (n.items.size() > count_max)
    wrong_.add(n.at, fmt::format("`{}` has {} elements", what.name, n.items.size()),
               fmt::format("at most {} are allowed", count_max));
  else
    return &n;
  return nullptr;
}

// -- parameters ------------------------------------------------------------------

std::optional<parameter_value> value_reader::parameter_of(const node& n, const parameter& p) {
  const subject what{p.name, describe(p)};
  const bounds range{p.at_least, p.at_most, p.unit};
  parameter single = p; // what each element of a list must be
  single.type = p.type == parameter_type::integers  ? parameter_type::integer
                : p.type == parameter_type::numbers ? parameter_type::number
                                                    : parameter_type::boolean;
  const std::string each = describe(single);
  const auto wrap = [](auto&& value) -> std::optional<parameter_value> {
    if (!value) return std::nullopt;
    return parameter_value(std::move(*value));
  };
  switch (p.type) {
  case parameter_type::boolean:
    return wrap(boolean(n, what));
  case parameter_type::integer:
    return wrap(integer(n, what, range));
  case parameter_type::number:
    return wrap(number(n, what, range));
  case parameter_type::text:
    return wrap(text(n, what, p.length_max));
  case parameter_type::duration:
    return wrap(duration(n, what, range));
  case parameter_type::texts:
    return wrap(texts(n, what, p.length_max, p.length_max));
  case parameter_type::choice: {
    const auto index = choice(n, what, std::vector<std::string_view>(p.choices.begin(), p.choices.end()));
    if (!index) return std::nullopt;
    return parameter_value(p.choices[*index]);
  }
  case parameter_type::integers:
    return wrap(list<std::int64_t>(list_node(n), what, p.length_max, [&](const node& item, std::string name) {
      return integer(item, {std::move(name), each}, range);
    }));
  case parameter_type::numbers:
    return wrap(list<double>(list_node(n), what, p.length_max, [&](const node& item, std::string name) {
      return number(item, {std::move(name), each}, range);
    }));
  case parameter_type::booleans:
    return wrap(list<bool>(list_node(n), what, p.length_max, [&](const node& item, std::string name) {
      return boolean(item, {std::move(name), each});
    }));
  }
  return std::nullopt;
}

} // namespace troupe::scenarios::file
