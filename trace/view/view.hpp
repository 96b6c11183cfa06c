// The trace viewer: a merged trace as one HTML file that needs nothing but a browser.
#pragma once

#include "trace/merge/model.hpp"

#include <string>
#include <string_view>

namespace troupe::trace {

struct view_report {
  std::uint64_t events = 0;
  std::uint64_t messages = 0;
  std::uint64_t payload_bytes_left_out = 0; ///< over the limit of what a page can hold
};

/// The whole page. `title` is what the browser's tab says. The page loads nothing over a
/// network and says so in its content security policy. About 20 bytes an event.
std::string render_view(const model&, std::string_view title, view_report&);

/// The page without data, as it was built into the library from trace/view/viewer/.
extern const std::string_view view_template;

} // namespace troupe::trace
