// A trace file as its page describes it, read independently of the reader.
#pragma once

#include "tests/support/catch.hpp"
#include "tests/trace/support.hpp"
#include "trace/record/format.hpp"

#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace troupe::tests {

namespace format = trace::format;
using format::record_kind;

/// Walks a file as docs/trace.md describes it, independently of the reader.
struct raw_trace {
  format::file_header* header = nullptr;
  std::vector<format::record> records;
  std::vector<std::string> blobs;
  std::uint64_t missed = 0;
  std::vector<std::uint64_t> in_handler;

  explicit raw_trace(const std::filesystem::path& path) : bytes_{testing::content_of(path)} {
    REQUIRE(bytes_.size() >= format::file_header_bytes);
    header = reinterpret_cast<format::file_header*>(bytes_.data());
    REQUIRE(std::memcmp(header->magic, format::file_magic, 8) == 0);
    missed = header->missed;
    for (std::size_t at = format::file_header_bytes; at + sizeof(format::chunk_header) <= bytes_.size();) {
      auto* chunk = reinterpret_cast<format::chunk_header*>(bytes_.data() + at);
      if (chunk->magic == 0) {
        at += format::unit_bytes;
        continue;
      }
      REQUIRE(chunk->magic == format::chunk_magic);
      missed += chunk->missed;
      if (chunk->message != 0) in_handler.push_back(chunk->message);
      walk(at + sizeof *chunk, at + sizeof *chunk + chunk->used);
      at += std::size_t{chunk->units} * format::unit_bytes;
    }
  }
  std::size_t count(record_kind kind) const {
    std::size_t n = 0;
    for (auto& r : records)
      if ((r.time_kind & 0x7f) == static_cast<std::uint64_t>(kind)) ++n;
    return n;
  }

 private:
  void walk(std::size_t at, std::size_t end) {
    while (at < end) {
      format::record r;
      std::memcpy(&r, bytes_.data() + at, sizeof r);
      at += sizeof r;
      records.push_back(r);
      blobs.emplace_back();
      if (r.time_kind & format::blob_bit) {
        auto size = r.word2 & 0xffff'ffff;
        blobs.back() = bytes_.substr(at, size);
        at += format::padded(size);
      }
    }
    REQUIRE(at == end);
  }
  std::string bytes_;
};

} // namespace troupe::tests
