// Payloads in whichever codec: who writes or reads one says what, and this decides how.
#pragma once

#include "actors/codec/message_catalog.hpp"
#include "actors/codec/payload_codec.hpp"

#include <caf/mailbox_element.hpp>

#include <span>

namespace troupe {

/// Of one node. Thread-safe, as far as `handles` and `catalog` are, which it does not own.
class payload_io {
 public:
  payload_io(handle_codec& handles, message_catalog& catalog) : handles_(handles), catalog_(catalog) {}

  /// Appends to `out` what `use` writes with the writer that it gets, a wire_writer or a msgpack_writer.
  /// With an error what was appended is to be cut off again.
  template <class Use>
  caf::error write(payload_codec codec, transport::byte_buffer& out, Use use) const {
    if (codec == payload_codec::msgpack) {
      msgpack_writer writer{out, handles_, catalog_};
      return use(writer);
    }
    wire_writer writer{out, handles_, catalog_};
    return use(writer);
  }
  /// What `use` makes of `bytes` with a wire_reader or a msgpack_reader.
  template <class Use>
  auto read(payload_codec codec, std::span<const char> bytes, Use use) const {
    if (codec == payload_codec::msgpack) {
      msgpack_reader reader{bytes, handles_, catalog_};
      return use(reader);
    }
    wire_reader reader{bytes, handles_, catalog_};
    return use(reader);
  }

 private:
  handle_codec& handles_;
  message_catalog& catalog_;
};

} // namespace troupe
