// Which message types a peer has announced, under the numbers that it gave them.
#pragma once

#include "actors/codec/message_catalog.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace troupe {

/// Of one peer, from which all bytes come: bounded. Not thread-safe.
class announced_types {
 public:
  struct type {
    const message_signature* signature = nullptr; ///< null: this node does not know one of the elements
    std::string name;                             ///< as the peer wrote it; empty: never announced
    std::string unknown;                          ///< the element that is not known here
  };

  explicit announced_types(message_catalog& catalog) : catalog_(catalog) {}

  /// The peer says what it means by `number`, from then on. Why that is beyond the limits of
  /// docs/wire-payloads.md, section 7, and was not taken; else empty.
  std::string define(std::uint32_t number, std::span<const char> name);
  /// Never announced: an empty one.
  const type& operator[](std::uint32_t number) const;

 private:
  message_catalog& catalog_;
  std::vector<type> types_; ///< by number
  std::size_t name_bytes_ = 0;
};

} // namespace troupe
