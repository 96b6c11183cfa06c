// CURVE keys, their files, and who may connect with which.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::transport {

/// Both keys in Z85, 40 characters each.
struct key_pair {
  std::string public_key;
  std::string secret_key;
};

/// A client that may connect: its public key, and the node name it must then use; empty:
/// any name.
struct allowed_client {
  std::string public_key;
  std::string node_name;
};

/// How a hub proves who it is, and whom it admits, on tcp. ipc and inproc stay as they are.
struct security_options {
  key_pair own;
  /// Clients that may connect; nobody else gets as far as a hello.
  std::vector<allowed_client> allowed;
  /// The public key of whoever is dialled: by endpoint, else server_key. An endpoint that
  /// carries a key itself ("tcp://HOST:PORT|KEY", as hub::endpoint() gives it) needs neither.
  std::map<std::string, std::string> server_keys;
  std::string server_key;
};

/// A fresh pair. Its public key holds no "${", which Z85 allows, but which begins a variable
/// in the files that people write such keys into. Throws std::runtime_error when ZeroMQ was built without
/// CURVE.
key_pair make_key_pair();
/// Whether this can be a public or a secret key.
bool is_key(std::string_view);

/// Writes the pair to `path`, readable by its owner only, and the public key alone to
/// `path` with ".pub" appended. Throws std::runtime_error; overwrites a file only if it shall.
void write_key_files(const std::filesystem::path& path, const key_pair&, bool replaces = false);
/// Throws std::runtime_error that says what is wrong: missing, not a key file, not one
/// pair, or readable by others than its owner.
key_pair read_key_pair(const std::filesystem::path&);
/// Of a ".pub" file. Throws std::runtime_error.
std::string read_public_key(const std::filesystem::path&);

} // namespace troupe::transport
