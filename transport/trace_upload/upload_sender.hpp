// The side that brings files to another node; docs/wire.md, section 6.1, has the grammar.
#pragma once

#include "transport/hub/hub.hpp"

#include <filesystem>

namespace troupe::transport {

struct upload_request {
  std::string endpoint;                     ///< of the node that takes them
  node_identity owner;                      ///< whose files they are
  std::vector<std::filesystem::path> files; ///< their numbers are their places here
  /// Without any progress for this long, it is given up.
  std::chrono::milliseconds patience = std::chrono::seconds{10};
  /// Asked all the time; true: give it up. May be empty.
  std::function<bool()> give_up;
};

/// Visits the node and brings it the files, which nobody may be writing to. Blocks; at most
/// limits::upload_window_bytes are read ahead. `links` are the hub's options but for the
/// identity. Returns an empty text when the other side has kept them, or why it has not.
std::string upload(const upload_request&, hub_options links);

} // namespace troupe::transport
