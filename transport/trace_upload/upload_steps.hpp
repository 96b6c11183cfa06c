// What the two sides of an upload say to each other; see docs/wire.md, section 6.1.
#pragma once

#include <cstdint>

namespace troupe::transport {

/// First octet of the payload of kind upload.
enum class upload_step : std::uint8_t { begin = 1, file = 2, part = 3, end = 4 };
/// First octet of the payload of kind receipt.
enum class receipt_step : std::uint8_t { taken = 1, kept = 2, refused = 3 };

} // namespace troupe::transport
