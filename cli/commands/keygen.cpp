// `troupe keygen`: a key pair for nodes on tcp.
#include "cli/commands/commands.hpp"
#include "transport/hub/keys.hpp"

#include <fmt/format.h>

namespace troupe::cli {

int keygen(const context& who, const keygen_arguments& arguments) {
  auto public_file = arguments.file;
  public_file += ".pub";
  try {
    const auto keys = transport::make_key_pair();
    if (arguments.file == "-") {
      complain(who, "-o - is no place for a secret key, which stdout is not kept from others; name a file");
      return exit_bad_usage;
    }
    if (!arguments.force
        && (std::filesystem::exists(arguments.file) || std::filesystem::exists(public_file))) {
      complain(who, fmt::format("{} exists already; write to another file with -o FILE, or replace it with "
                                "--force: then nobody who knows its public key will know this node any more",
                                std::filesystem::exists(arguments.file) ? arguments.file.string()
                                                                        : public_file.string()));
      return exit_bad_usage;
    }
    transport::write_key_files(arguments.file, keys, arguments.force);
    print(who, say("{}\n", keys.public_key));
    complain(who, fmt::format(
                      "the key pair is in {}, for its owner only; the public key, printed here, also in {}",
                      arguments.file.string(), public_file.string()));
    return 0;
  } catch (const std::exception& e) {
    complain(who, e.what());
    return exit_bad_usage;
  }
}

} // namespace troupe::cli
