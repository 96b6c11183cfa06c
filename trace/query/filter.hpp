// The filter language of all trace commands: actor=worker-3 and type=assign_task and wait>2ms
#pragma once

#include "base/marked_error.hpp"
#include "base/shown_text.hpp"
#include "trace/merge/model.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::trace {

/// A mistake in a filter, with where it is, in bytes.
class filter_error : public marked_error {
 public:
  using marked_error::marked_error;
};

/// A checked filter. `matches` wants the model that it was bound to; bind() again for
/// another. Immutable after that, so safe to share between threads.
///
/// Grammar: or-expressions of and-expressions of [not] (FIELD OP VALUE | "(" filter ")").
/// OP: = != ~ !~ < <= > >=; ~ compares with a pattern (* and ?). Values with blanks or
/// operators in them stand in quotes. A comparison with a value that an event does not
/// have is false.
class filter {
 public:
  /// Matches everything.
  filter();
  /// Throws filter_error. An empty or blank text matches everything.
  explicit filter(std::string_view text);
  ~filter();
  filter(filter&&) noexcept;
  filter& operator=(filter&&) noexcept;

  bool everything() const { return !root_; }
  /// The names and patterns of message types that it compares with, in order.
  std::vector<std::string> types() const;
  /// Resolves names against the model, which must outlive the filter's use.
  void bind(const model&);
  bool matches(row event) const;

  struct node;

 private:
  std::unique_ptr<node> root_;
  const model* model_ = nullptr;
};

/// One line a field, for --help and the docs: "wait  duration  from the arrival ...".
std::string filter_help();

} // namespace troupe::trace
