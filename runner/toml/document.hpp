// A scenario file as a tree of values that know where they stand.
#pragma once

#include "runner/toml/mistakes.hpp"
#include "runner/toml/source.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe::scenarios::file {

enum class node_kind : std::uint8_t {
  text,
  integer,
  number,
  boolean,
  date, ///< any of TOML's dates and times; scenario files use none
  list,
  table,
  broken, ///< a mistake in it was told; it is read as nothing, in silence
  raw,    ///< from the command line or the environment: read as what its key wants
};

struct entry;

struct node {
  node_kind kind = node_kind::text;
  bool boolean = false;
  bool inline_table = false; ///< written { … }
  bool substituted = false;  ///< a text that held ${…}: becomes a number where one is wanted
  std::int64_t integer = 0;
  double number = 0;
  place at;
  std::string text;           ///< of text and raw
  std::vector<node> items;    ///< of list
  std::vector<entry> entries; ///< of table, in the order of the file

  const entry* find(std::string_view key) const;
  entry* find(std::string_view key);
};

struct entry {
  std::string key;
  place at;
  node value;
};

/// "an integer", "a list"; for messages.
std::string_view kind_name(const node&);

struct document {
  node root; ///< a table; holds what could be read
  /// Some statements could not be read: what seems to be missing may be there.
  bool partial = false;
};

/// Values nested deeper, and keys of more parts, are refused.
inline constexpr std::size_t nesting_max = 32;

/// Reads TOML. What cannot be read is told and left out. The source holds well-formed
/// UTF-8 without NUL.
document parse_document(const source_text&, mistakes&);

/// One TOML value out of `text`, which stands at `at`: if `exact`, character by
/// character, so that places inside it can be told apart. Nothing if it is not one value.
std::optional<node> parse_value(std::string_view text, const place& at, bool exact);

} // namespace troupe::scenarios::file
