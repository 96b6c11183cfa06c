#include "transport/trace_upload/upload_receiver.hpp"

#include "transport/frames/bytes.hpp"
#include "transport/trace_upload/upload_steps.hpp"

#include <zlib.h>

namespace troupe::transport {

std::uint32_t file_digest(std::span<const char> part, std::uint32_t before) {
  if (part.empty()) return before; // which zlib may take for the wish to begin anew
  return static_cast<std::uint32_t>(
      ::crc32_z(before, reinterpret_cast<const unsigned char*>(part.data()), part.size()));
}

upload_answer read_receipt(std::span<const char> payload) {
  byte_reader in(payload);
  upload_answer answer;
  switch (static_cast<receipt_step>(in.fixed<std::uint8_t>())) {
  case receipt_step::taken:
    answer.bytes = in.fixed<std::uint64_t>();
    if (in.ok()) answer.what = upload_answer::kind::taken;
    break;
  case receipt_step::kept:
    if (in.ok()) answer.what = upload_answer::kind::kept;
    break;
  case receipt_step::refused:
    answer.why = in.string(limits::detail_bytes_max);
    if (in.ok()) answer.what = upload_answer::kind::refused;
    break;
  }
  return answer;
}

namespace {

/// Room is made first: g++ 12 sees an insertion into a vector of one octet overflow it.
byte_buffer begin_receipt(receipt_step step) {
  byte_buffer out;
  out.reserve(limits::detail_bytes_max + limits::varint_bytes_max + 1);
  out.push_back(static_cast<char>(step));
  return out;
}

} // namespace

void upload_receiver::give_up() noexcept {
  if (state_ == state::kept || state_ == state::refused) return;
  if (state_ != state::fresh) store_.discard();
  state_ = state::refused;
  why_ = "it broke off after " + std::to_string(received_) + " of " + std::to_string(bytes_) + " bytes";
}

byte_buffer upload_receiver::refuse(std::string why) {
  if (state_ != state::fresh && state_ != state::kept) store_.discard();
  why_ = why.substr(0, limits::detail_bytes_max);
  if (state_ != state::kept) state_ = state::refused;
  auto out = begin_receipt(receipt_step::refused);
  put_text(out, why_);
  return out;
}

byte_buffer upload_receiver::receipt() {
  told_ = received_;
  auto out = begin_receipt(receipt_step::taken);
  put_fixed(out, received_);
  return out;
}

byte_buffer upload_receiver::on_payload(std::span<const char> payload) {
  if (state_ == state::refused) return {}; // it has been told
  if (state_ == state::kept)
    return why_.empty() ? refuse("something came after the end of the upload") : byte_buffer{};
  if (payload.empty()) return refuse("an empty record");
  const auto body = payload.subspan(1);
  switch (static_cast<upload_step>(payload[0])) {
  case upload_step::begin:
    return begin(body);
  case upload_step::file:
    return begin_file(body);
  case upload_step::part:
    return take(body);
  case upload_step::end:
    return end_file(body);
  }
  return refuse("a record of an unknown kind");
}

byte_buffer upload_receiver::begin(std::span<const char> body) {
  if (state_ != state::fresh) return refuse("the upload began twice");
  byte_reader in(body);
  node_identity owner;
  owner.name = in.string(limits::name_bytes_max);
  owner.incarnation = in.fixed<std::uint64_t>();
  files_ = in.varint();
  bytes_ = in.fixed<std::uint64_t>();
  if (!in.ok() || in.left() != 0) return refuse("the beginning is malformed");
  if (files_ == 0 || files_ > limits::upload_files_max)
    return refuse("there are from 1 to " + std::to_string(limits::upload_files_max) + " files, not "
                  + std::to_string(files_));
  if (auto why = store_.accept(owner, files_, bytes_); !why.empty()) return refuse(std::move(why));
  state_ = state::between_files;
  return receipt();
}

byte_buffer upload_receiver::begin_file(std::span<const char> body) {
  if (state_ != state::between_files) return refuse("a file began where none may");
  byte_reader in(body);
  const auto number = in.varint();
  const auto size = in.fixed<std::uint64_t>();
  if (!in.ok() || in.left() != 0) return refuse("the beginning of a file is malformed");
  if (number != files_done_)
    return refuse("file " + std::to_string(number) + " came where file " + std::to_string(files_done_)
                  + " was due");
  if (size > bytes_ - received_) return refuse("the files are longer than was announced");
  if (auto why = store_.open(number); !why.empty()) return refuse(std::move(why));
  state_ = state::in_file;
  file_bytes_left_ = size;
  digest_ = 0;
  return {};
}

byte_buffer upload_receiver::take(std::span<const char> part) {
  if (state_ != state::in_file) return refuse("a part came outside of a file");
  if (part.empty() || part.size() > limits::upload_part_bytes_max)
    return refuse("a part of " + std::to_string(part.size()) + " bytes");
  if (part.size() > file_bytes_left_) return refuse("a file is longer than was announced");
  if (auto why = store_.write(part); !why.empty()) return refuse(std::move(why));
  digest_ = file_digest(part, digest_);
  file_bytes_left_ -= part.size();
  received_ += part.size();
  return received_ - told_ >= limits::upload_receipt_bytes ? receipt() : byte_buffer{};
}

byte_buffer upload_receiver::end_file(std::span<const char> body) {
  if (state_ != state::in_file) return refuse("a file ended that had not begun");
  byte_reader in(body);
  const auto digest = in.fixed<std::uint32_t>();
  if (!in.ok() || in.left() != 0) return refuse("the end of a file is malformed");
  if (file_bytes_left_ != 0)
    return refuse("a file ended " + std::to_string(file_bytes_left_) + " bytes before its end");
  if (digest != digest_) return refuse("a file arrived with another checksum than it left with");
  if (auto why = store_.close(); !why.empty()) return refuse(std::move(why));
  state_ = state::between_files;
  if (++files_done_ < files_) return receipt();
  if (received_ != bytes_) return refuse("the files are shorter than was announced");
  if (auto why = store_.keep(); !why.empty()) return refuse(std::move(why));
  state_ = state::kept;
  return {static_cast<char>(receipt_step::kept)};
}

} // namespace troupe::transport
