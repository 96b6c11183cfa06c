#include "scenarios/file/toml.hpp"

#include <algorithm>
#include <tuple>

// Compiled in, not linked: the limit on nesting is a constant of the library.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 34
#include <toml++/toml.h>

namespace troupe::scenarios::file {
namespace {

static_assert(TOML_MAX_NESTED_VALUES > nesting_max);

place to_place(const toml::source_region& region, const source_text* source) {
  place result;
  result.in = source;
  result.line = std::max(1U, static_cast<std::uint32_t>(region.begin.line));
  result.column = std::max(1U, static_cast<std::uint32_t>(region.begin.column));
  if (region.end.line == region.begin.line && region.end.column > region.begin.column)
    result.width = region.end.column - region.begin.column;
  else if (source && region.end.line > region.begin.line) {
    const auto length = static_cast<std::uint32_t>(code_points(source->line(result.line)));
    result.width = length >= result.column ? length - result.column + 1 : 1;
  }
  return result;
}

node convert(const toml::node& from, const source_text* source);

void convert_table(const toml::table& from, const source_text* source, node& to) {
  to.kind = node_kind::table;
  to.inline_table = from.is_inline();
  to.entries.reserve(from.size());
  for (auto&& [key, value] : from)
    to.entries.push_back({std::string(key.str()), to_place(key.source(), source), convert(value, source)});
  std::stable_sort(to.entries.begin(), to.entries.end(), [](const entry& a, const entry& b) {
    return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
  });
}

node convert(const toml::node& from, const source_text* source) {
  node to;
  to.at = to_place(from.source(), source);
  switch (from.type()) {
  case toml::node_type::table:
    convert_table(*from.as_table(), source, to);
    break;
  case toml::node_type::array:
    to.kind = node_kind::list;
    to.items.reserve(from.as_array()->size());
    for (auto&& item : *from.as_array())
      to.items.push_back(convert(item, source));
    break;
  case toml::node_type::string:
    to.kind = node_kind::text;
    to.text = from.as_string()->get();
    break;
  case toml::node_type::integer:
    to.kind = node_kind::integer;
    to.integer = from.as_integer()->get();
    break;
  case toml::node_type::floating_point:
    to.kind = node_kind::number;
    to.number = from.as_floating_point()->get();
    break;
  case toml::node_type::boolean:
    to.kind = node_kind::boolean;
    to.boolean = from.as_boolean()->get();
    break;
  case toml::node_type::date:
  case toml::node_type::time:
  case toml::node_type::date_time:
  case toml::node_type::none:
    to.kind = node_kind::date;
    break;
  }
  return to;
}

} // namespace

toml_result read_toml(std::string_view text, const source_text* source) {
  toml_result result;
  try {
    const auto root = toml::parse(text);
    result.root = convert(root, source);
  } catch (const toml::parse_error& e) {
    result.error.description = std::string(e.description());
    result.error.line = std::max(1U, static_cast<std::uint32_t>(e.source().begin.line));
    result.error.column = std::max(1U, static_cast<std::uint32_t>(e.source().begin.column));
  }
  return result;
}

} // namespace troupe::scenarios::file
