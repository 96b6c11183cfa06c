// What a filter can ask of an event. Only the filter's own sources include this.
#pragma once

#include "trace/merge/model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::trace::filters {

enum class comparison : std::uint8_t { equal, unequal, like, unlike, less, at_most, more, at_least };
enum class value_type : std::uint8_t { text, kind, duration, size, number, message };
enum class field : std::uint8_t {
  actor,
  peer,
  sender,
  receiver,
  role,
  node,
  type,
  kind,
  reason,
  note,
  payload,
  id,
  cause,
  time,
  wait,
  handle,
  network,
  latency,
  bytes,
  delay,
};

struct field_info {
  field what;
  std::string_view name;
  value_type type;
  std::string_view about;
};

/// FIELD OP VALUE, checked; after bind() texts are looked up instead of compared.
struct test {
  filters::field field = filters::field::actor;
  value_type type = value_type::text;
  comparison how = comparison::equal;
  std::string text;
  std::int64_t number = 0;
  std::vector<bool> matching; ///< by actor, node, string or kind: whether its name fits
  row message = no_row;
};

const field_info* find_field(std::string_view name);
std::vector<std::string_view> field_names();
std::string_view expectation(value_type);
/// "2ms", "1.5 s", "1m30s", "0": in nanoseconds. Nothing where it is no duration.
std::optional<std::int64_t> time_of(std::string_view);
/// "64KiB", "1.5 MB", "100": in bytes.
std::optional<std::int64_t> size_of(std::string_view);
std::optional<comparison> parse_comparison(std::string_view);
/// Empty, or what is wrong with the value.
std::string set_value(test&, const std::string& text);
void bind(test&, const model&);
bool holds(const test&, const model&, row event);

} // namespace troupe::trace::filters
