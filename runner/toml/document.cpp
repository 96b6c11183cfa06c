#include "runner/toml/document.hpp"
#include "base/words.hpp"

#include "runner/toml/statements.hpp"
#include "runner/toml/syntax.hpp"
#include "runner/toml/toml.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace troupe::scenarios::file {

const entry* node::find(std::string_view key) const {
  const auto it = std::find_if(entries.begin(), entries.end(), [&](const entry& e) { return e.key == key; });
  return it == entries.end() ? nullptr : &*it;
}

entry* node::find(std::string_view key) {
  return const_cast<entry*>(static_cast<const node*>(this)->find(key)); // NOLINT: both are ours
}

std::string_view kind_name(const node& n) {
  switch (n.kind) {
  case node_kind::text:
  case node_kind::raw:
    return "a text";
  case node_kind::integer:
    return "an integer";
  case node_kind::number:
    return "a number";
  case node_kind::boolean:
    return "a boolean";
  case node_kind::date:
    return "a date or time";
  case node_kind::list:
    return "a list";
  case node_kind::table:
    return "a table";
  case node_kind::broken:
    break;
  }
  return "something else";
}

namespace {

/// A key of a statement as it stands in the file, with all of its parts.
struct key_path {
  std::vector<std::string> parts;
  bool table = false; ///< a header, or a key whose value is a table
};

class reader {
 public:
  reader(const source_text& source, mistakes& wrong) : source_(source), wrong_(wrong), text_(source.text()) {}

  document run() {
    document result;
    const std::size_t before = wrong_.count();
    statements_ = split_statements(source_, wrong_);
    for (std::size_t i = 0; i < statements_.size(); ++i)
      if (statements_[i].broken) blank(i);
    auto whole = read_toml(text_, &source_);
    if (!whole.root) {
      check_alone();
      whole = read_toml(text_, &source_);
    }
    // What is left are statements that contradict each other.
    while (!whole.root && !wrong_.full()) {
      explain_conflict(whole.error);
      whole = read_toml(text_, &source_);
    }
    result.partial = wrong_.count() > before;
    result.root.kind = node_kind::table;
    if (whole.root) result.root = std::move(*whole.root);
    return result;
  }

 private:
  std::string_view text_of(const statement& s) const {
    return std::string_view(text_).substr(s.begin, s.end - s.begin);
  }

  /// Takes a statement out of the text, and with a header all that stands under it.
  void blank(std::size_t index) {
    std::size_t end = statements_[index].end;
    statements_[index].broken = true;
    if (statements_[index].header)
      for (std::size_t i = index + 1; i < statements_.size() && !statements_[i].header; ++i) {
        statements_[i].broken = true;
        end = statements_[i].end;
      }
    for (std::size_t i = statements_[index].begin; i < end; ++i)
      if (text_[i] != '\n') text_[i] = ' ';
  }

  void check_alone() {
    for (std::size_t i = 0; i < statements_.size() && !wrong_.full(); ++i) {
      if (statements_[i].broken) continue;
      // The line end tells "nothing follows" from "the file ends".
      const auto alone = read_toml(std::string(text_of(statements_[i])) + '\n', nullptr);
      if (alone.root) continue;
      if (alone.error.description.find("cannot redefine") != std::string::npos)
        tell_inline_duplicate(statements_[i], alone.error);
      else
        explain_syntax(source_, statements_[i], alone.error, wrong_);
      blank(i);
    }
  }

  void tell_inline_duplicate(const statement& s, const toml_error& error) {
    const auto name = quoted_name(error.description);
    const source_text alone("", std::string(text_of(s)), origin::file);
    // The error stands behind the second value.
    const auto key = alone.text().rfind(name, alone.offset(error.line, error.column));
    const auto here = key == std::string_view::npos ? place_of(source_, s.begin, s.end - s.begin)
                                                    : place_of(source_, s.begin + key, name.size());
    wrong_.add(here, fmt::format("`{}` is given twice in this inline table", name), "remove one of them");
  }

  static std::string quoted_name(std::string_view description) {
    const auto first = description.find('\''), last = description.rfind('\'');
    if (first == std::string_view::npos || last <= first) return "a key";
    return excerpt(description.substr(first + 1, last - first - 1));
  }

  key_path path_of(const statement& s) const {
    key_path result;
    const auto alone = read_toml(text_of(s), nullptr);
    if (!alone.root) return result;
    for (const node* n = &*alone.root;
         n->kind == node_kind::table && !n->inline_table && n->entries.size() == 1;
         n = &n->entries[0].value) {
      result.parts.push_back(n->entries[0].key);
      result.table = n->entries[0].value.kind == node_kind::table || s.header;
    }
    return result;
  }

  /// What stands before the statement on the way to its key, deepest first.
  static const entry* find_earlier(const node& root, const std::vector<std::string>& path) {
    const entry* found = nullptr;
    const node* n = &root;
    for (const auto& part : path) {
      if (n->kind == node_kind::list && !n->items.empty()) n = &n->items.back();
      const entry* e = n->kind == node_kind::table ? n->find(part) : nullptr;
      if (!e) break;
      found = e;
      n = &e->value;
    }
    return found;
  }

  void explain_conflict(const toml_error& error) {
    const std::size_t offset = source_.offset(error.line, error.column);
    std::size_t index = statements_.size();
    for (std::size_t i = 0; i < statements_.size() && statements_[i].begin <= offset; ++i)
      if (!statements_[i].broken) index = i;
    if (index == statements_.size()) { // cannot happen while the two agree on what a statement is
      wrong_.add(place_of(source_, offset, 1), "not TOML: " + excerpt(error.description, 160));
      std::fill(text_.begin(), text_.end(), ' ');
      return;
    }
    const statement s = statements_[index];
    auto path = path_of(s);
    const std::string name = fmt::format("{}", fmt::join(path.parts, "."));
    if (!s.header) {
      std::size_t header = index;
      while (header > 0 && !statements_[header].header)
        --header;
      if (statements_[header].header && !statements_[header].broken) {
        auto under = path_of(statements_[header]).parts;
        under.insert(under.end(), path.parts.begin(), path.parts.end());
        path.parts = std::move(under);
      }
    }
    const auto before = read_toml(std::string_view(text_).substr(0, s.begin), &source_);
    const entry* earlier = before.root ? find_earlier(*before.root, path.parts) : nullptr;
    tell_conflict(s, name, path, earlier);
    blank(index);
  }

  void tell_conflict(const statement& s, const std::string& name, const key_path& path,
                     const entry* earlier) {
    const auto text = text_of(s);
    const std::size_t width = s.header ? text.size() : std::min(text.find_first_of(" \t="), text.size());
    const auto here = place_of(source_, s.begin, width);
    const std::string first = earlier ? fmt::format("line {}", earlier->at.line) : "before";
    const bool both_tables = path.table && earlier && earlier->value.kind == node_kind::table;
    if (s.header && both_tables)
      wrong_.add(here, fmt::format("{} is opened twice", tick(text)),
                 fmt::format("put its keys under the first one, in {}", first));
    else if (earlier && earlier->key == path.parts.back() && !path.table
             && earlier->value.kind != node_kind::table)
      wrong_.add(here, fmt::format("{} is given twice", tick(name)),
                 fmt::format("the first is in {}; remove one of them", first));
    else
      wrong_.add(here, fmt::format("{} contradicts what was written before", tick(name)),
                 earlier
                     ? fmt::format("{} is {} since {}", tick(earlier->key), kind_name(earlier->value), first)
                     : std::string());
  }

  const source_text& source_;
  mistakes& wrong_;
  std::string text_; ///< with blanks where something was taken out
  std::vector<statement> statements_;
};

void shift(node& n, const place& at, bool exact, std::uint32_t prefix) {
  const auto moved = [&](place p) {
    if (!exact || p.line != 1 || p.column <= prefix) return at;
    place result = at;
    result.column = at.column + p.column - prefix - 1;
    result.width = p.width;
    return result;
  };
  n.at = moved(n.at);
  for (auto& item : n.items)
    shift(item, at, exact, prefix);
  for (auto& e : n.entries) {
    e.at = moved(e.at);
    shift(e.value, at, exact, prefix);
  }
}

} // namespace

document parse_document(const source_text& source, mistakes& wrong) { return reader(source, wrong).run(); }

std::optional<node> parse_value(std::string_view text, const place& at, bool exact) {
  if (find_invalid_utf8(text) != std::string_view::npos) return std::nullopt;
  const source_text source("", "v=" + std::string(text), origin::file);
  mistakes ignored;
  const auto statements = split_statements(source, ignored);
  if (!ignored.empty() || statements.size() != 1) return std::nullopt;
  auto read = read_toml(source.text(), &source);
  if (!read.root || read.root->entries.size() != 1) return std::nullopt;
  node value = std::move(read.root->entries[0].value);
  shift(value, at, exact, 2);
  return value;
}

} // namespace troupe::scenarios::file
