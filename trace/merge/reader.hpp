// Reads the trace files of a run as they are: node by node, nothing merged yet.
#pragma once

#include "trace/merge/model.hpp"
#include "trace/record/format.hpp"

#include <filesystem>
#include <stdexcept>
#include <unordered_map>

namespace troupe::trace {

/// An input that cannot be read at all: not there, no trace in it. what() is a sentence.
class read_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A handler that was running when its thread was last heard of.
struct open_handler {
  std::uint64_t message = 0;
  std::uint64_t begin = 0; ///< nanoseconds since base
  std::uint64_t word3 = 0;
};

/// One start of one node, from all its segments. Records keep their file form and the
/// indices of the node's own tables; those of the tables themselves are left out.
struct node_trace {
  struct actor_entry {
    std::uint16_t node = 0;
    std::uint64_t id = 0;
    std::uint32_t role = 0;
  };
  struct node_entry {
    std::string name;
    std::uint64_t incarnation = 0;
  };
  struct blob_entry {
    std::size_t record = 0; ///< index into records
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
  };

  node_info info;
  std::uint64_t base_mono_ns = 0;
  std::uint64_t base_unix_ns = 0;
  std::vector<format::record> records; ///< chunk by chunk; blob bits cleared
  std::vector<blob_entry> blobs;
  std::vector<std::byte> blob_bytes;
  std::unordered_map<std::uint32_t, std::string> strings;
  std::vector<node_entry> nodes; ///< [0] is this node
  std::vector<actor_entry> actors;
  std::vector<open_handler> open;
  std::vector<remark> remarks; ///< torn tails, missing segments, garbage
};

/// Reads run directories (every *.trace in them) and single files. Files that are no trace
/// at all, among others that are, become remarks; throws read_error if nothing is left.
/// Tolerates any content: what cannot be right is left out and told.
std::vector<node_trace> read_traces(const std::vector<std::filesystem::path>& inputs,
                                    std::vector<remark>& remarks);

/// What the header of a trace file says of itself.
struct file_identity {
  std::string node;
  std::uint64_t incarnation = 0;
  std::uint32_t segment = 0;
  std::uint32_t pid = 0;
  std::string boot_id;
  bool open = false; ///< still being written, or its process was killed
  /// Why nothing was recorded after `ended_at_ns`, which is CLOCK_MONOTONIC of that host.
  format::end_reason ended = format::end_reason::none;
  std::uint64_t ended_at_ns = 0;
  int ended_error = 0; ///< errno
  std::uint64_t bytes_max = 0;
};
/// Reads no more than the header. Throws read_error if the file is no trace.
file_identity identify(const std::filesystem::path&);

/// read_traces() for one file in memory, `name` being what remarks call it; for tests and fuzzers.
node_trace read_trace_bytes(std::span<const std::byte>, const std::string& name);

} // namespace troupe::trace
