// Where the sockets of a run over ipc lie.
#pragma once

#include <filesystem>
#include <string>

namespace troupe::scenarios {

/// A fresh path in the directory that TMPDIR names, else in /tmp, or in /tmp too where a socket in
/// TMPDIR would have a name that is too long. Nothing is made. Throws std::runtime_error that
/// names the variable and the path where there is no such directory.
std::filesystem::path choose_socket_directory();

/// The file of a node's socket in such a directory, as short as it must be.
std::filesystem::path socket_of(const std::filesystem::path& directory, const std::string& node);

} // namespace troupe::scenarios
