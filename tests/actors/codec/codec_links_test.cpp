// Handles behave alike over links of either codec.
#include "tests/distributed/location_types.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <condition_variable>

using namespace troupe;
using namespace troupe::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

/// Nodes of this process that are linked over real sockets; `main` reads codec 0 first,
/// the others what the test says.
class fixture {
 public:
  explicit fixture(std::vector<int> codecs) : codecs_(std::move(codecs)) {
    main = make("main", {0, 1}, [this](const known_node& who, const greeting& theirs) {
      std::lock_guard lock{mutex_};
      up_[who.identity.name] = theirs.codecs;
      changed_.notify_all();
    });
    self.emplace(main->system());
  }

  node& join(const std::string& name) {
    auto& joined = *others_.emplace_back(make(name, codecs_, {}));
    joined.publish("server", joined.system().spawn(server));
    REQUIRE(joined.connect(main->endpoint(), patience));
    std::unique_lock lock{mutex_};
    REQUIRE(changed_.wait_for(lock, patience, [&] { return up_.contains(name); }));
    CHECK(up_[name] == codecs_);
    return joined;
  }
  caf::actor server_of(const std::string& name) {
    auto found = main->lookup(name, "server", patience);
    if (!found) FAIL(main->system().render(found.error()));
    return *found;
  }
  template <class Answer, class... Ts>
  caf::expected<Answer> ask(const caf::actor& whom, Ts... xs) {
    caf::expected<Answer> result{caf::sec::none};
    (*self)
        ->request(whom, patience, std::move(xs)...)
        .receive([&](Answer& x) { result = std::move(x); },
                 [&](caf::error& err) { result = std::move(err); });
    return result;
  }
  caf::error reason_of_end(const caf::actor& whom, const std::function<void()>& make_it_end) {
    caf::error reason;
    (*self)->monitor(whom);
    make_it_end();
    bool came = false;
    (*self)->receive(
        [&](caf::down_msg& down) {
          reason = down.reason;
          came = true;
        },
        caf::after(patience) >> [] {});
    CHECK(came);
    return reason;
  }

 private:
  std::unique_ptr<node> make(const std::string& name, std::vector<int> codecs, node::up_handler on_up) {
    node_options options;
    options.name = name;
    options.listen = "ipc://" + (directory_.path() / name).string();
    options.codecs = std::move(codecs);
    return std::make_unique<node>(std::move(options), location_catalog(), location_roles(), std::move(on_up));
  }

  temporary_directory directory_;
  std::vector<int> codecs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<int>> up_;

 public:
  std::unique_ptr<node> main;

 private:
  std::vector<std::unique_ptr<node>> others_;

 public:
  std::optional<caf::scoped_actor> self;
};

} // namespace

SCENARIO("actors of a node that reads only MessagePack behave as others do", "[actors][codec]") {
  const auto codecs = GENERATE(std::vector<int>{1}, std::vector<int>{0, 1});
  fixture f{codecs};
  f.join("w1");
  auto remote = f.server_of("w1");

  SECTION("requests, answers and messages of several elements") {
    CHECK(f.ask<square_is>(remote, ask_square{12})->value == 144);
    CHECK(f.ask<std::string>(remote, std::int32_t{7}, std::string{"x"}, 0.5, std::vector<std::string>{"y"})
          == "x70.500000y");
  }
  SECTION("errors keep their code") {
    CHECK(f.ask<square_is>(remote, ask_square{-1}).error() == caf::sec::invalid_argument);
    CHECK(f.main->lookup("w1", "nobody").error() == errc::name_not_found);
    CHECK(f.main->spawn_on("w1", "nonsense", caf::message{}).error() == errc::role_unknown);
  }
  SECTION("roles with arguments, and the reason of an end") {
    auto made = f.main->spawn_on("w1", "doubler", caf::make_message(std::string{"= "}, std::int64_t{2}));
    REQUIRE(made);
    CHECK(f.ask<std::string>(caf::actor_cast<caf::actor>(*made), std::int64_t{21}) == "= 42");
    CHECK(f.reason_of_end(remote, [&] { CHECK(f.ask<std::string>(remote, std::string{"quit"}) == "bye"); })
          == caf::exit_reason::user_shutdown);
    CHECK_FALSE(f.ask<square_is>(remote, ask_square{1})); // bounced
  }
  SECTION("exit messages") {
    auto mortal = f.main->spawn_on("w1", "mortal", caf::message{});
    REQUIRE(mortal);
    auto whom = caf::actor_cast<caf::actor>(*mortal);
    CHECK(f.reason_of_end(whom, [&] { caf::anon_send_exit(whom, caf::exit_reason::user_shutdown); })
          == caf::exit_reason::user_shutdown);
  }
  SECTION("an actor of a third node answers whoever asked, and not who passed it on") {
    f.join("w2");
    auto relay = f.main->spawn_on("w1", "delegator", caf::make_message(f.server_of("w2")));
    REQUIRE(relay);
    CHECK(f.ask<square_is>(caf::actor_cast<caf::actor>(*relay), ask_square{9})->value == 81);
    (*f.self)->send(remote, introduce{caf::actor_cast<caf::actor>(*f.self), "hello"});
    std::string text;
    (*f.self)->receive([&](const std::string& x) { text = x; }, caf::after(patience) >> [] {});
    CHECK(text == "hello from w1");
  }
}

SCENARIO("to a node that reads no codec of ours nothing is sent, and the sender hears of it",
         "[actors][codec]") {
  fixture f{{7}};
  auto& stranger = f.join("w1");
  const auto agent = f.main->agent_of("w1");
  REQUIRE(agent);
  const auto refused = f.ask<named_actor>(agent, lookup_name{"server", {}});
  CHECK(refused.error() == caf::sec::unknown_type);
  CHECK(f.main->books().totals().dropped[static_cast<std::size_t>(trace::drop_reason::not_serializable)]
        == 1);
  CHECK(stranger.books().totals().remote_received == 0);
}
