// The trace in the formats of other tools. Each writes to an open stream, piece by piece,
// and tells in `notes` what the format could not take.
#pragma once

#include "base/files.hpp"
#include "base/output.hpp"
#include "trace/merge/model.hpp"
#include "trace/query/filter.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::trace {

/// What cannot be exported; what() is a sentence.
class export_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Collects text and hands it on in large pieces; throws file_error when there is no more room.
class text_sink {
 public:
  enum class kind : std::uint8_t { json, text, csv };
  /// `name` is what the error names.
  text_sink(output& out, kind what, std::string name = "to stdout")
      : out_{out}, what_{what}, name_{std::move(name)} {}
  void operator+=(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() > (1U << 16)) flush();
  }
  void flush();

 private:
  output& out_;
  kind what_;
  std::string name_, buffer_;
};

/// Which messages go out: those the filter matches.
using selection = std::vector<bool>;

/// Trace Event Format, for ui.perfetto.dev and chrome://tracing: a process a node, a
/// thread an actor, a slice a handler, a flow a message, a counter a mailbox.
void export_perfetto(const model&, const selection&, output& out, std::vector<std::string>& notes);
/// OpenTelemetry's OTLP as JSON lines: a producer span a send, a consumer span a handler.
void export_otlp(const model&, const selection&, output& out, std::vector<std::string>& notes);
/// ShiViz: one line an event, with vector clocks; a host an actor.
void export_shiviz(const model&, const selection&, output& out, std::vector<std::string>& notes);
/// A Mermaid sequence diagram, cut before the size that Mermaid refuses.
void export_mermaid(const model&, const selection&, output& out, std::vector<std::string>& notes);
/// nodes.csv, actors.csv, messages.csv, events.csv, causes.csv (RFC 4180) in a directory.
void export_csv(const model&, const selection&, const std::filesystem::path& directory,
                std::vector<std::string>& notes);

/// Vector clocks grow with the actors; more than this make no readable diagram either.
inline constexpr std::size_t shiviz_hosts_max = 200;
inline constexpr std::size_t mermaid_characters_max = 50'000;

} // namespace troupe::trace
