// How a histogram travels: as its buckets. What nobody can have counted is refused.
#pragma once

#include "base/histogram.hpp"

#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/sec.hpp>

namespace troupe {

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, histogram& x) {
  auto look = [&x]() -> caf::error {
    return x.recount() ? caf::error{} : caf::error{caf::sec::invalid_argument};
  };
  return x.with_parts(
      [&](auto& buckets, auto& max) { return f(buckets, max, caf::meta::load_callback(look)); });
}

} // namespace troupe
