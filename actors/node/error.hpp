// What can go wrong in this room, beyond CAF's own system errors.
#pragma once

#include <caf/error.hpp>
#include <caf/make_message.hpp>

#include <string>

namespace troupe {

enum class errc : std::uint8_t {
  none = 0,
  node_unknown,    ///< no node of that name is connected
  not_connected,   ///< connecting failed or timed out
  name_not_found,  ///< nothing is published under that name
  wrong_interface, ///< the published actor does not have the messages of the handle asked for
  role_unknown,    ///< the node has no such role
  bad_arguments,   ///< the role takes other arguments
  timed_out,       ///< no answer in time
};
std::string to_string(errc);
/// An error for people: its context where that is a sentence, else all that CAF knows of it.
std::string sentence_of(const caf::error&);

} // namespace troupe

CAF_ERROR_CODE_ENUM_2(troupe::errc, "troupe")
