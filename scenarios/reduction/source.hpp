// Where the elements of a reduction come from: a list, a range or a file, in chunks.
#pragma once

#include "scenarios/reduction/operators.hpp"

#include <caf/meta/type_name.hpp>

#include <memory>

namespace troupe::scenarios {

/// Elements that follow each other. What is in `data` depends on the kind.
struct element_chunk {
  enum class source : std::uint8_t {
    list,  ///< a JSON array
    range, ///< nothing: the numbers from `start` on
    lines, ///< lines, each with its line feed; `start` is the number of the first, from 1
  };
  source kind = source::list;
  std::uint64_t first = 0; ///< index of the first element, from 0
  std::uint64_t count = 0;
  std::int64_t start = 0;
  std::string data;
};
TROUPE_FIELDS(element_chunk, kind, first, count, start, data)

/// A line of a file may have so many bytes.
inline constexpr std::size_t line_bytes_max = 64 << 10;

/// Bytes of lines that a chunk may have; those of a group must fit into a message.
inline constexpr std::size_t chunk_bytes_max = 8 << 20;

/// Not thread-safe.
class element_source {
 public:
  virtual ~element_source() = default;
  /// The next elements, at most so many; count 0 at the end. Throws std::runtime_error
  /// naming the file and the line for what cannot be read.
  virtual element_chunk next(std::uint64_t elements_max) = 0;
  /// How many there are in all; 0 if that is not known.
  virtual std::uint64_t total() const = 0;
};

/// What the elements are; the first of these that is not empty counts.
struct source_settings {
  std::string file;
  std::int64_t first = 0;
  std::uint64_t count = 0; ///< of the numbers from `first` on
  std::vector<bool> flags;
  std::vector<double> inputs; ///< integers where they are whole and below 2^53
};
TROUPE_MESSAGE(source_settings, file, first, count, flags, inputs)

/// Throws std::runtime_error if the file cannot be opened.
std::unique_ptr<element_source> open_source(const source_settings&);

/// Joins the values of a chunk, in order. `file` stands in messages before the line number.
nlohmann::json fold(const reduction_operator&, const element_chunk&, const std::string& file);

/// Joins all elements one after the other, without any actor.
nlohmann::json fold_all(const reduction_operator&, const source_settings&);

/// The values of the first few elements, as far as they are well formed.
std::vector<nlohmann::json> first_values(const reduction_operator&, const source_settings&);

} // namespace troupe::scenarios
