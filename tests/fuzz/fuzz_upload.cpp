// Any octets as the records of an upload, each after its length in two: the store sees
// calls in their order only, and never more octets than were announced.
#include "transport/trace_upload/upload_receiver.hpp"

#include <cstdlib>

using namespace troupe::transport;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

struct checking_store final : upload_store {
  std::string accept(const node_identity& owner, std::uint64_t files, std::uint64_t bytes) override {
    must(!accepted && files != 0);
    if (owner.name == "no") return "no";
    accepted = true;
    files_due = files;
    bytes_due = bytes;
    return {};
  }
  std::string open(std::uint64_t number) override {
    must(accepted && !over && !is_open && number == files_done);
    is_open = true;
    return {};
  }
  std::string write(std::span<const char> part) override {
    must(is_open && !over && !part.empty());
    must(part.size() <= bytes_due - bytes);
    bytes += part.size();
    return {};
  }
  std::string close() override {
    must(is_open && !over);
    is_open = false;
    ++files_done;
    return {};
  }
  std::string keep() override {
    must(!is_open && !over && files_done == files_due && bytes == bytes_due);
    over = true;
    return {};
  }
  void discard() noexcept override {
    must(accepted && !over);
    over = true;
  }
  bool accepted = false, is_open = false, over = false;
  std::uint64_t files_due = 0, bytes_due = 0, files_done = 0, bytes = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::span<const char> rest{reinterpret_cast<const char*>(data), size};
  checking_store store;
  {
    upload_receiver receiver{store};
    while (rest.size() >= 2) {
      const auto low = static_cast<unsigned char>(rest[0]), high = static_cast<unsigned char>(rest[1]);
      rest = rest.subspan(2);
      const auto length = std::min<std::size_t>(rest.size(), low + 256U * high);
      const auto receipt = receiver.on_payload(rest.first(length));
      must(receipt.empty() || read_receipt(receipt).what != upload_answer::kind::malformed);
      rest = rest.subspan(length);
    }
    read_receipt({reinterpret_cast<const char*>(data), size});
  }
  must(!store.accepted || store.over);
  return 0;
}
