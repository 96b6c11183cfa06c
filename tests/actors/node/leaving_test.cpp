// What a node tells of its books when it leaves stays true, whatever is on its way to it.
#include "actors/node/agent.hpp"
#include "actors/node/node.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <caf/all.hpp>

#include <future>
#include <random>
#include <thread>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

/// A node that others join, and what the one that joins it tells at its end.
struct host {
  testing::temporary_directory directory;
  std::promise<void> guest_is_up;
  std::promise<trace::ledger_counts> final_of_guest;
  std::promise<transport::down_reason> end_of_guest;
  std::unique_ptr<node> main;

  static node_options named(const std::string& name) {
    node_options options;
    options.name = name;
    options.threads = 2;
    return options;
  }
  static std::shared_ptr<message_catalog> catalog() {
    auto made = std::make_shared<message_catalog>();
    add_agent_messages(*made);
    return made;
  }
  host() {
    auto options = named("main");
    options.listen = "ipc://" + (directory.path() / "main").string();
    main = std::make_unique<node>(
        std::move(options), catalog(), role_map{},
        [this](const known_node&, const greeting&) { guest_is_up.set_value(); },
        [this](const known_node&, transport::down_reason why, const std::string&) {
          end_of_guest.set_value(why);
        },
        [this](const transport::node_identity&, std::uint64_t round, const activity_report& report,
               const std::vector<wait_edge>&, bool) {
          if (round == final_books) final_of_guest.set_value(report.books);
        });
  }
};

} // namespace

TEST_CASE("the final books of a node that leaves in the middle of messages to it are final",
          "[actors][node]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  for (int i = 0; i < 30; ++i) {
    host here;
    auto guest = std::make_unique<node>(host::named("guest"), host::catalog(), role_map{});
    REQUIRE(guest->connect(here.main->endpoint(), 20s));
    here.guest_is_up.get_future().wait();
    const auto sink =
        guest->system().spawn([](plain_actor*) { return caf::behavior{[](const std::string&) {}}; });
    guest->publish("sink", sink);
    const auto far = here.main->lookup("guest", "sink", 20s);
    REQUIRE(far);
    std::atomic<bool> enough{false};
    std::thread sender([&] {
      ::pthread_setname_np(::pthread_self(), "troupe.test");
      while (!enough)
        caf::anon_send(*far, std::string{"to somebody who leaves"});
    });
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 5000}); // anywhere in the flood
    caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
    guest->stop();
    CHECK(here.end_of_guest.get_future().get() == transport::down_reason::left);
    enough = true;
    sender.join();
    const auto told = here.final_of_guest.get_future().get();
    here.main->stop();
    CAPTURE(i);
    auto all = here.main->books().totals();
    all += told;
    CHECK(all.open() == 0);
    guest.reset();
  }
}
