// What a node may be called.
#pragma once

#include <string_view>

namespace troupe::transport {

/// The end of the sentence "the node name NAME …" that says why it is none; null: it is one.
/// One rule for scenario files, for the command line and for what peers say of themselves:
/// 1 to limits::name_bytes_max letters, digits, '_', '-' and '.', of which '-' and '.' do not
/// come first. So no name leads out of a directory, hides, or does anything to a terminal.
const char* wrong_with_node_name(std::string_view);

} // namespace troupe::transport
