// A process with one hub, for tests that stop and kill processes. It prints its endpoint
// and incarnation, sends every message back to whom it came from, and stops in order when
// its standard input ends. Arguments: NAME LISTEN [key=value]...
#include "transport/hub.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <sys/prctl.h>

using namespace troupe;

namespace {

struct echo final : transport::hub_listener {
  void on_peer_up(const transport::peer_ptr&) override {}
  void on_frame(const transport::peer_ptr& p, transport::inbound_frame frame) override {
    transport::envelope_view view;
    while (frame.next(view)) {
      transport::envelope_header header;
      header.receiver = view.header.sender;
      p->send(header, [&](transport::byte_buffer& out) {
        out.insert(out.end(), view.payload.begin(), view.payload.end());
        return true;
      });
    }
  }
  void on_peer_down(const transport::peer_ptr&, transport::down_reason, std::string_view,
                    std::uint64_t) override {}
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::map<std::string, std::string> settings;
  for (int i = 3; i < argc; ++i) {
    const std::string text(argv[i]);
    const auto equals = text.find('=');
    settings[text.substr(0, equals)] = text.substr(equals + 1);
  }
  transport::hub_options options;
  options.identity.name = argv[1];
  std::random_device device;
  options.identity.incarnation = (std::uint64_t{device()} << 32 | device()) | 1;
  options.listen = argv[2];
  options.heartbeat = std::chrono::milliseconds{20};
  options.plaintext = settings.contains("plaintext");
  if (settings.contains("liveness"))
    options.liveness = std::chrono::milliseconds{std::stol(settings["liveness"])};
  try {
    echo listener;
    trace::recorder recorder({{}, options.identity.name, options.identity.incarnation, trace::level::off});
    trace::ledger books;
    transport::hub hub(options, listener, recorder, books);
    std::cout << hub.endpoint() << " " << hub.identity().incarnation << std::endl;
    if (settings.contains("connect"))
      hub.connect(settings["connect"], std::chrono::seconds{20}, [](const auto&, std::string_view why_not) {
        if (!why_not.empty()) std::cerr << why_not << "\n";
      });
    for (std::string line; std::getline(std::cin, line);) {
    }
    hub.stop(std::chrono::seconds{5});
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  return 0;
}
