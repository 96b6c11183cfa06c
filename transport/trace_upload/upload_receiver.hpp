// Files that a node brings to another one: what it kept on a disk of its own during a run
// goes to the launcher. docs/wire.md, section 6.1, has the grammar.
#pragma once

#include "transport/frames/peer.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace troupe::transport {

/// Where the receiving side puts files. All functions but discard() return an empty text,
/// or why not, as a sentence; after that only discard() is called.
class upload_store {
 public:
  virtual ~upload_store() = default;
  /// First call: whose files are to come, how many, and how long they are together.
  virtual std::string accept(const node_identity& owner, std::uint64_t files, std::uint64_t bytes) = 0;
  /// Files are numbered from 0, and come in that order.
  virtual std::string open(std::uint64_t number) = 0;
  virtual std::string write(std::span<const char>) = 0;
  /// The file is as long as it was said to be, and its digest is right.
  virtual std::string close() = 0;
  /// All files are closed. Only now may anybody else see them.
  virtual std::string keep() = 0;
  /// Nothing of them is to be left. Must not throw.
  virtual void discard() noexcept = 0;
};

/// The receiving side of one upload; knows no sockets and no files. Not thread-safe.
/// Whatever arrives, it takes no more octets than were announced, and the store sees calls
/// in the order above only.
class upload_receiver {
 public:
  enum class state : std::uint8_t { fresh, between_files, in_file, kept, refused };

  /// `store` must outlive it.
  explicit upload_receiver(upload_store& store) : store_(store) {}
  /// Discards what was not kept.
  ~upload_receiver() { give_up(); }
  upload_receiver(const upload_receiver&) = delete;
  upload_receiver& operator=(const upload_receiver&) = delete;

  /// One payload of kind upload. Returns the payload of the receipt that answers it;
  /// empty: none is due.
  byte_buffer on_payload(std::span<const char>);
  /// The sender is gone.
  void give_up() noexcept;

  state where() const { return state_; }
  std::uint64_t received_bytes() const { return received_; }
  const std::string& why_refused() const { return why_; }

 private:
  byte_buffer refuse(std::string why);
  byte_buffer begin(std::span<const char>);
  byte_buffer begin_file(std::span<const char>);
  byte_buffer take(std::span<const char>);
  byte_buffer end_file(std::span<const char>);
  byte_buffer receipt();

  upload_store& store_;
  state state_ = state::fresh;
  std::uint64_t files_ = 0, files_done_ = 0;
  std::uint64_t bytes_ = 0, received_ = 0, told_ = 0; ///< of all files
  std::uint64_t file_bytes_left_ = 0;
  std::uint32_t digest_ = 0;
  std::string why_;
};

/// What a file is compared by after its way: CRC-32 as of zlib. `before` is that of what came before the
/// part, at first 0.
std::uint32_t file_digest(std::span<const char> part, std::uint32_t before = 0);

/// What a node is told while it uploads.
struct upload_answer {
  enum class kind : std::uint8_t { taken, kept, refused, malformed };
  kind what = kind::malformed;
  std::uint64_t bytes = 0; ///< taken
  std::string why;         ///< refused
};
upload_answer read_receipt(std::span<const char>);

} // namespace troupe::transport
