#include "transport/hub/keys.hpp"

#include "base/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

namespace troupe::transport {

namespace {

constexpr std::size_t key_characters = 40;
constexpr std::size_t key_bytes = 32;
constexpr std::size_t file_bytes_max = 4096;
constexpr std::string_view public_label = "public-key";
constexpr std::string_view secret_label = "secret-key";

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw std::runtime_error(path.string() + ": " + what);
}
[[noreturn]] void fail_with_errno(const std::filesystem::path& path, const std::string& what) {
  fail(path, what + ": " + std::strerror(errno));
}

std::string octal(unsigned mode) {
  std::string result;
  for (int shift = 9; shift >= 0; shift -= 3)
    result += static_cast<char>('0' + ((mode >> shift) & 7));
  return result;
}

std::string read_file(const std::filesystem::path& path, bool secret) {
  std::string why_not;
  const auto file = open_to_read(path, why_not);
  if (!file) fail(path, "cannot be read: " + why_not);
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) fail_with_errno(path, "cannot be examined");
  if (secret && (about.st_mode & 077U) != 0)
    fail(path, "holds a secret key, but others may use it (mode " + octal(about.st_mode & 07777U)
                   + "); run chmod 600 on it, and consider making new keys");
  if (secret && about.st_uid != ::geteuid() && about.st_uid != 0)
    fail(path, "holds a secret key, but belongs to another user");
  if (about.st_size > static_cast<off_t>(file_bytes_max)) fail(path, "is too long to be a key file");
  std::string text(file_bytes_max, '\0');
  const auto n = read_at(file.get(), 0, text.data(), text.size());
  if (errno != 0) fail_with_errno(path, "cannot be read");
  text.resize(n);
  return text;
}

// The value of a line  label = "value"; empty when there is none.
std::string value_of(const std::string& text, std::string_view label) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find('\n', at), text.size());
    const std::string_view line(text.data() + at, end - at);
    at = end + 1;
    if (!line.starts_with(label)) continue;
    const auto open = line.find('"');
    const auto close = line.rfind('"');
    if (open == std::string_view::npos || close <= open) continue;
    return std::string(line.substr(open + 1, close - open - 1));
  }
  return {};
}

std::string line_of(std::string_view label, std::string_view value) {
  return std::string(label) + " = \"" + std::string(value) + "\"\n";
}

} // namespace

key_pair make_key_pair() {
  std::array<char, key_characters + 1> public_key{};
  std::array<char, key_characters + 1> secret_key{};
  // Of 190 keys one has these characters.
  do {
    if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
      throw std::runtime_error("this ZeroMQ was built without CURVE: no keys can be made");
  } while (std::string_view{public_key.data()}.find("${") != std::string_view::npos);
  return {public_key.data(), secret_key.data()};
}

bool is_key(std::string_view text) {
  if (text.size() != key_characters) return false;
  std::array<std::uint8_t, key_bytes> ignored{};
  return zmq_z85_decode(ignored.data(), std::string(text).c_str()) != nullptr;
}

void write_key_files(const std::filesystem::path& path, const key_pair& keys, bool replaces) {
  auto public_path = path;
  public_path += ".pub";
  const auto as = [&](mode_t mode) {
    return whole_file::options{.mode = mode, .replaces = replaces, .anything = false, .durable = true};
  };
  // Both are ready before one of them is there.
  whole_file pair(path, as(0600)), alone(public_path, as(0644));
  pair.write("# The key pair of a troupe node. Keep it secret: no copies, no version control.\n"
             + line_of(public_label, keys.public_key) + line_of(secret_label, keys.secret_key));
  alone.write("# The public key of a troupe node; others need it to admit or to reach that node.\n"
              + line_of(public_label, keys.public_key));
  pair.finish();
  alone.finish();
  pair.keep();
  alone.keep();
}

key_pair read_key_pair(const std::filesystem::path& path) {
  const auto text = read_file(path, true);
  key_pair keys{value_of(text, public_label), value_of(text, secret_label)};
  if (keys.secret_key.empty()) fail(path, "has no line  secret-key = \"...\"");
  if (!is_key(keys.secret_key)) fail(path, "its secret key is not 40 characters of Z85");
  if (!is_key(keys.public_key)) fail(path, "its public key is not 40 characters of Z85");
  std::array<char, key_characters + 1> derived{};
  if (zmq_curve_public(derived.data(), keys.secret_key.c_str()) != 0)
    throw std::runtime_error("this ZeroMQ was built without CURVE: keys are of no use");
  if (keys.public_key != derived.data()) fail(path, "its two keys are not one pair");
  return keys;
}

std::string read_public_key(const std::filesystem::path& path) {
  const auto text = read_file(path, false);
  auto key = value_of(text, public_label);
  if (key.empty()) fail(path, "has no line  public-key = \"...\"");
  if (!is_key(key)) fail(path, "its public key is not 40 characters of Z85");
  return key;
}

} // namespace troupe::transport
