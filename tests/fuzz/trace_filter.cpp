// Any text as a filter, and as an invariant, over a small trace.

#include "trace/check/invariant.hpp"
#include "trace/merge/merge.hpp"
#include "trace/query/filter.hpp"

#include "tests/trace/builder.hpp"

#include <cstdlib>

using namespace troupe::trace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto m = troupe::tests::ping_pong{}.merge();
  std::string text{reinterpret_cast<const char*>(data), size};
  try {
    filter f{text};
    f.bind(m);
    for (row i = 0; i < m.events.size(); ++i)
      f.matches(i);
  } catch (const filter_error& e) {
    if (e.at() > text.size()) std::abort(); // a caret outside what was written
    (void)e.render();
  }
  try {
    invariant rule{text};
    (void)rule.breaches(m);
    (void)rule.held_at(m, static_cast<row>(m.events.size()));
  } catch (const invariant_error&) {
    return 0;
  }
  return 0;
}
