#include "base/output.hpp"

#include <cerrno>

namespace troupe {

bool output::show(const shown_text& text) { return write(text.text(colour_)); }
bool output::json(std::string_view piece) { return write(json_printable(std::string{piece})); }
bool output::text(std::string_view piece) { return write(printable(piece, "\n\t")); }
bool output::csv(std::string_view rows) { return write(printable(rows, "\r\n")); }

bool output::write(std::string_view bytes) {
  if (error_ != 0) return false;
  errno = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), to_) != bytes.size()) error_ = errno != 0 ? errno : EIO;
  return error_ == 0;
}

bool output::flush() {
  errno = 0;
  if (error_ == 0 && std::fflush(to_) != 0) error_ = errno != 0 ? errno : EIO;
  return error_ == 0;
}

} // namespace troupe
