#include "transport/hub/hub_loop.hpp"

#include "base/durations.hpp"
#include "base/process_limits.hpp"
#include "base/thread_name.hpp"
#include "transport/frames/node_name.hpp"
#include "transport/hub/endpoints.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <pthread.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <thread>
#include <unistd.h>

namespace troupe::transport {

namespace {
constexpr int router_events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED
                              | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                              | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

// What ZeroMQ and a hub open and start before anybody is connected.
constexpr std::size_t files_of_hub = 32;
constexpr std::size_t threads_of_hub = 4;

time_point now_on_clock() { return std::chrono::steady_clock::now(); }

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}
} // namespace

// -- zmq_context ---------------------------------------------------------------------------

zmq_context::zmq_context(void* shared, std::size_t sockets_max)
    : context_(shared != nullptr ? shared : zmq_ctx_new()), owned_(shared == nullptr) {
  if (context_ == nullptr) throw std::runtime_error("cannot make a ZeroMQ context");
  if (owned_)
    zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, static_cast<int>(std::min<std::size_t>(sockets_max, 65'000)));
}

zmq_context::~zmq_context() {
  if (owned_)
    while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
    }
}

// -- setting up ------------------------------------------------------------------------------

namespace {
switchboard_options board_options(const hub_options& o) {
  switchboard_options result;
  result.identity = o.identity;
  result.greeting = o.greeting;
  result.capabilities = o.capabilities;
  result.peers_max = o.peers_max;
  result.connect_timeout = o.connect_timeout;
  result.session = {o.queue_bytes_max, o.frame_bytes_max, o.batch_bytes_max,
                    o.window_bytes,    o.heartbeat,       o.liveness};
  result.log = o.log;
  result.admit = o.admit;
  result.describe = o.describe;
  return result;
}

void check(const hub_options& o) {
  const auto demand = [](bool ok, const char* what) {
    if (!ok) throw std::invalid_argument(what);
  };
  if (const auto* wrong = wrong_with_node_name(o.identity.name))
    throw std::invalid_argument("the node name \"" + o.identity.name + "\" " + wrong);
  demand(o.identity.incarnation != 0, "a node's incarnation must not be 0");
  demand(o.greeting.size() <= limits::greeting_bytes_max, "the greeting is too long");
  demand(o.frame_bytes_max >= limits::frame_bytes_min && o.frame_bytes_max <= limits::frame_bytes_ceiling,
         "frame_bytes_max must be from 64 KiB to 1 GiB");
  demand(o.batch_bytes_max <= o.frame_bytes_max, "batch_bytes_max must not be over frame_bytes_max");
  demand(o.peers_max <= limits::peers_ceiling, "peers_max must not be over 65,000");
  demand(o.heartbeat >= limits::heartbeat_min, "heartbeat must be at least 1 ms");
  if (o.security) {
    demand(is_key(o.security->own.public_key) && is_key(o.security->own.secret_key),
           "a node's keys are 40 characters of Z85 each");
    demand(o.security->server_key.empty() || is_key(o.security->server_key),
           "a server's public key is 40 characters of Z85");
  }
  demand(o.liveness >= 2 * o.heartbeat, "liveness must be at least two heartbeats");
}
} // namespace

hub_loop::hub_loop(hub_options options, hub_listener& listener, trace::recorder& recorder)
    : options_(
        (check(options), demand_files(files_of_hub), demand_threads(threads_of_hub), std::move(options))),
      context_(options_.zmq_context, 4 * options_.peers_max + 64), strangers_(options_.log),
      ready_(std::make_shared<ready_list>()),
      standstill_(now_on_clock(),
                  std::min<std::chrono::nanoseconds>(limits::local_standstill, options_.liveness / 4)) {
  auto board = board_options(options_);
  board.turned_away = [this](const wire& line, const std::string& name, std::string_view why) {
    turned_away(line, name, why);
  };
  board_ = std::make_unique<switchboard>(std::move(board), listener, recorder, *this, ready_);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) fail("cannot make an epoll descriptor");
  watch(ready_->descriptor());
  if (options_.security) {
    gatekeeper_ = std::make_unique<gatekeeper>(context_.get(), *options_.security, strangers_);
    watch(gatekeeper_->descriptor());
  }
  if (!options_.listen.empty()) bind();
  board_->set_endpoint(endpoint_);
  // The program's signals are for its own threads.
  sigset_t all{};
  sigset_t before{};
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] {
    name_thread("troupe.hub");
    run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

hub_loop::~hub_loop() {
  post([this](time_point) {
    stopping_ = true;
    stop_deadline_ = time_point{};
  });
  if (thread_.joinable()) thread_.join();
  board_.reset();
  for (const auto& [line, channel] : std::exchange(dialled_, {}))
    line->close(false);
  router_monitor_.reset();
  router_.reset();
  if (epoll_ >= 0) ::close(epoll_);
}

void hub_loop::configure(zmq_socket& s, const std::string& endpoint) const {
  s.set(ZMQ_LINGER, 0);
  s.set(ZMQ_SNDHWM, 0); // the session's credit is the limit; see docs/wire.md
  s.set(ZMQ_RCVHWM, 1024);
  s.set(ZMQ_MAXMSGSIZE,
        static_cast<std::int64_t>(std::max(options_.frame_bytes_max, limits::handshake_bytes_max)));
  s.set(ZMQ_HANDSHAKE_IVL, static_cast<int>(limits::handshake_timeout.count()));
  s.set(ZMQ_IMMEDIATE, 0); // a hello may wait for its connection: a socket has only one
  s.set(ZMQ_IPV6, endpoint.find('[') != std::string::npos ? 1 : 0); // with it, localhost may be ::1 only
}

void hub_loop::bind() {
  const auto path = ipc_path(options_.listen);
  if (!path.empty()) {
    if (const auto* wrong = wrong_with_endpoint(options_.listen))
      throw std::runtime_error("cannot listen at " + options_.listen + ": " + wrong);
    // ZeroMQ would take the file away from whoever listens there.
    if (::access(path.c_str(), F_OK) == 0 && !transport::is_deserted(options_.listen))
      throw std::runtime_error("cannot listen at " + options_.listen + ": another process already does");
  }
  const auto address = is_tcp(options_.listen) ? bindable(options_.listen) : options_.listen;
  if (address.empty())
    throw std::runtime_error("cannot listen at " + options_.listen
                             + ": no host or interface of that name is known");
  if (const auto* wrong = wrong_with_security(address))
    throw std::runtime_error("cannot listen at " + options_.listen + ": " + wrong);
  const bool with_keys = options_.security && is_tcp(options_.listen);
  router_ = std::make_shared<zmq_socket>(context_.get(), ZMQ_ROUTER);
  configure(*router_, address);
  router_->set(ZMQ_ROUTER_MANDATORY, 1);
  router_->set(ZMQ_BACKLOG, 1024);
  if (with_keys) {
    router_->set(ZMQ_CURVE_SERVER, 1);
    router_->set(ZMQ_CURVE_SECRETKEY, std::string_view(options_.security->own.secret_key));
    router_->set(ZMQ_ZAP_DOMAIN, std::string_view("troupe"));
  }
  if (!is_inproc(options_.listen)) router_monitor_ = router_->monitor(context_.get(), router_events);
  if (!router_->bind(address))
    throw std::runtime_error("cannot listen at " + options_.listen + ": " + zmq_strerror(zmq_errno()));
  endpoint_ = options_.advertise.empty() ? reachable_endpoint(router_->last_endpoint()) : options_.advertise;
  if (with_keys) endpoint_ += "|" + options_.security->own.public_key;
  router_descriptor_ = router_->descriptor();
  watch(router_descriptor_);
  if (router_monitor_) watch(router_monitor_descriptor_ = router_monitor_->descriptor());
}

void hub_loop::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("cannot watch a socket");
}

void hub_loop::unwatch(int descriptor) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr); }

// -- calls from other threads ------------------------------------------------------------------

bool hub_loop::post(std::function<void(time_point)> command) {
  const std::lock_guard guard(ended_mutex_);
  if (ended_) return false;
  ready_->post([this, command = std::move(command)] { command(look_at_clock()); });
  return true;
}

void hub_loop::stop(std::chrono::milliseconds linger) {
  if (is_own_thread()) throw std::logic_error("hub::stop() was called on the hub's own thread");
  post([this, linger](time_point now) {
    if (stopping_) return;
    stopping_ = true;
    stop_linger_ = linger;
    stop_deadline_ = now + linger;
    board_->begin_stop(now);
  });
  const std::lock_guard guard(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

// -- the thread --------------------------------------------------------------------------------

time_point hub_loop::look_at_clock() {
  const auto now = now_on_clock();
  const auto stood_still = standstill_.look(now);
  if (stood_still.count() == 0) return now;
  board_->stood_still(stood_still, now);
  if (stopping_ && stop_linger_.count() > 0) stop_deadline_ = now + stop_linger_;
  if (options_.on_standstill) options_.on_standstill(stood_still);
  return now;
}

void hub_loop::run() {
  while (step())
    sleep();
  finish();
}

bool hub_loop::step() {
  for (bool busy = true; busy;) {
    const auto now = look_at_clock();
    for (const auto& command : ready_->take_commands())
      command();
    busy = drain(now);
    flush_ready(now);
    board_->tick(now);
    if (stopping_ && (board_->is_empty() || now >= stop_deadline_)) return false;
    // What was sent may have swallowed the signal of what arrived.
    busy = drain(now) || busy;
  }
  return true;
}

void hub_loop::sleep() {
  const auto now = look_at_clock();
  const auto deadline = std::min({board_->next_deadline(), stop_deadline_, now + standstill_.interval()});
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
  const auto timeout_ms = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  standstill_.sleeps_until(now + left);
  epoll_event events[64];
  const int count = ready_->try_sleep() ? ::epoll_wait(epoll_, events, 64, timeout_ms) : 0;
  bool woken = false;
  for (int i = 0; i < count; ++i) {
    const int fd = events[i].data.fd;
    woken = woken || fd == ready_->descriptor();
    if (fd == router_descriptor_) router_signalled_ = true;
    if (fd == router_monitor_descriptor_) router_monitor_signalled_ = true;
    if (const auto it = dialled_by_descriptor_.find(fd); it != dialled_by_descriptor_.end()) {
      auto& channel = dialled_.at(it->second);
      (fd == channel.monitor_descriptor ? channel.monitor_signalled : channel.signalled) = true;
    }
  }
  ready_->awake(woken);
}

void hub_loop::flush_ready(time_point now) {
  for (const auto& l : ready_->take_links()) {
    l->marked_ready.store(false, std::memory_order_release);
    if (!board_->flush(l, now)) ready_->ready(l);
  }
}

bool hub_loop::drain(time_point now) {
  bool received = false;
  drain_gatekeeper(now);
  if (router_) {
    const bool unchecked = router_->unchecked.exchange(false);
    if (std::exchange(router_signalled_, false) || unchecked) {
      received = drain_router(now);
    }
    if (std::exchange(router_monitor_signalled_, false) || !disconnected_.empty() || !gone_.empty())
      drain_router_monitor(now);
  }
  std::vector<dealer_ptr> waiting, ending;
  for (auto& [line, channel] : dialled_) {
    const bool unchecked = line->socket().unchecked.exchange(false);
    if (std::exchange(channel.signalled, false) || unchecked) waiting.push_back(channel.line);
    if (std::exchange(channel.monitor_signalled, false)) ending.push_back(channel.line);
  }
  for (const auto& line : waiting)
    received = drain_dealer(line, now) || received;
  for (const auto& line : ending)
    drain_dealer_monitor(line, now);
  return received;
}

// -- the end -------------------------------------------------------------------------------------

void hub_loop::finish() {
  {
    const std::lock_guard guard(ended_mutex_);
    ended_ = true;
  }
  for (const auto& command : ready_->take_commands())
    command();
  ready_->close();
  const bool in_order = board_->is_empty();
  board_->abandon();
  for (auto& [id, line] : std::exchange(accepted_, {}))
    line->close(false);
  std::vector<dealer_ptr> left;
  for (auto& [line, channel] : dialled_)
    left.push_back(channel.line);
  for (const auto& line : left)
    line->close(in_order);
  if (!router_) return;
  const auto left_to_linger =
      std::chrono::duration_cast<std::chrono::milliseconds>(stop_deadline_ - now_on_clock());
  {
    const std::lock_guard guard(router_->mutex);
    router_->close(
        in_order ? std::clamp(left_to_linger, std::chrono::milliseconds{0}, std::chrono::milliseconds{200})
                 : std::chrono::milliseconds{0});
  }
  if (const auto path = ipc_path(options_.listen); !path.empty()) ::unlink(path.c_str());
}

// -- dialling -----------------------------------------------------------------------------------

namespace {
constexpr int dealer_events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                              | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
} // namespace

const char* hub_loop::wrong_with_security(const std::string& endpoint) const {
  if (!is_tcp(endpoint) || options_.security || options_.plaintext || is_tcp_loopback(endpoint))
    return nullptr;
  return "tcp beyond loopback needs keys, or plaintext = true if anybody who can reach the port may take "
         "part";
}

std::string hub_loop::server_key(const std::string& address, const std::string& given) const {
  if (!given.empty()) return given;
  const auto it = options_.security->server_keys.find(address);
  return it == options_.security->server_keys.end() ? options_.security->server_key : it->second;
}

wire_ptr hub_loop::dial(const std::string& endpoint, std::string& why_not) {
  const auto cannot = [&](const std::string& why) {
    why_not = "cannot connect to " + endpoint + ": " + why;
    return nullptr;
  };
  if (const auto* wrong = wrong_with_endpoint(endpoint)) return cannot(wrong);
  const auto [address, given_key] = split_key(endpoint);
  if (const auto* wrong = wrong_with_security(address)) return cannot(wrong);
  std::string key;
  if (is_tcp(address)) {
    if (!options_.security && !given_key.empty()) return cannot("it wants keys, and this node has none");
    if (options_.security && (key = server_key(address, given_key)).empty())
      return cannot("no public key is known for it, neither its own nor one for all");
  }
  try {
    auto line = make_dealer(address, key);
    if (host_to_look_up(address).empty()) {
      if (!line->connect(address)) {
        const std::string why = zmq_strerror(zmq_errno());
        line->close(false);
        return cannot(why);
      }
    } else {
      look_up_and_connect(line, address);
    }
    return line;
  } catch (const std::exception& e) { // descriptors or memory have run out
    return cannot(e.what());
  }
}

std::shared_ptr<dealer_wire> hub_loop::make_dealer(const std::string& address, const std::string& key) {
  auto socket = std::make_unique<zmq_socket>(context_.get(), ZMQ_DEALER);
  configure(*socket, address);
  socket->set(ZMQ_RECONNECT_IVL, -1); // one socket, one connection: the session reconnects
  socket->set(ZMQ_CONNECT_TIMEOUT, static_cast<int>(limits::handshake_timeout.count()));
  if (!key.empty()) {
    socket->set(ZMQ_CURVE_PUBLICKEY, std::string_view(options_.security->own.public_key));
    socket->set(ZMQ_CURVE_SECRETKEY, std::string_view(options_.security->own.secret_key));
    socket->set(ZMQ_CURVE_SERVERKEY, std::string_view(key));
  }
  std::unique_ptr<zmq_socket> monitor;
  if (!is_inproc(address)) monitor = socket->monitor(context_.get(), dealer_events);
  auto line = std::make_shared<dealer_wire>(std::move(socket), std::move(monitor));
  add_dealer(line);
  return line;
}

void hub_loop::add_dealer(const dealer_ptr& line) {
  dealer_channel channel;
  channel.line = line;
  channel.descriptor = line->socket().descriptor();
  if (line->monitor() != nullptr) channel.monitor_descriptor = line->monitor()->descriptor();
  line->on_close = [this](dealer_wire& closing) {
    const auto it = dialled_.find(&closing);
    if (it == dialled_.end()) return;
    for (const int fd : {it->second.descriptor, it->second.monitor_descriptor})
      if (fd >= 0) {
        unwatch(fd);
        dialled_by_descriptor_.erase(fd);
      }
    dialled_.erase(it);
  };
  for (const int fd : {channel.descriptor, channel.monitor_descriptor})
    if (fd >= 0) {
      watch(fd);
      dialled_by_descriptor_[fd] = line.get();
    }
  dialled_.emplace(line.get(), std::move(channel));
}

// Looking up a name may take as long as it likes, so it has a thread of its own, which
// nobody waits for: it only holds what it needs, and the hub may be gone when it is done.
void hub_loop::look_up_and_connect(const dealer_ptr& line, const std::string& address) {
  std::thread([this, address, weak = std::weak_ptr<dealer_wire>(line),
               ready = std::weak_ptr<ready_list>(ready_)] {
    name_thread("troupe.look_up");
    auto found = look_up(address);
    const auto list = ready.lock();
    if (!list) return;
    // Runs on the I/O thread, and only while the hub is there.
    list->post([this, weak, found = std::move(found)] {
      const auto waiting = weak.lock();
      if (!waiting || waiting->is_closed()) return;
      const auto now = look_at_clock();
      if (found.empty())
        board_->on_broken(waiting, "its host name is not known", now);
      else if (!waiting->connect(found))
        board_->on_broken(waiting, zmq_strerror(zmq_errno()), now);
    });
  }).detach();
}

bool hub_loop::is_deserted(const std::string& endpoint) { return transport::is_deserted(endpoint); }

// -- what arrives at the sockets ----------------------------------------------------------------

namespace {
// Received from one socket before the others get their turn.
constexpr std::size_t frames_per_turn = 64;
constexpr std::size_t bytes_per_turn = 1U << 20;

} // namespace

// Everything is received before any of it is worked on: whoever is woken by the first
// frame finds the socket free for its answer.
bool hub_loop::receive_all(void* socket, bool with_id, std::vector<arrival>& into) {
  for (std::size_t count = 0, bytes = 0; count < frames_per_turn && bytes < bytes_per_turn; ++count) {
    arrival next;
    if (with_id) {
      zmq_frame id;
      if (!receive_frame(socket, id)) return false;
      if (zmq_msg_more(&id.message) == 0) continue;
      next.id.assign(id.bytes().begin(), id.bytes().end());
    }
    next.body = std::make_unique<zmq_frame>();
    if (!receive_frame(socket, *next.body)) return false;
    next.more_parts = zmq_msg_more(&next.body->message) != 0;
    for (bool more = next.more_parts; more;) { // not of this protocol: skip it whole
      zmq_frame ignored;
      more = receive_frame(socket, ignored) && zmq_msg_more(&ignored.message) != 0;
    }
    bytes += next.body->bytes().size();
    into.push_back(std::move(next));
  }
  return true;
}

// -- the dialled side ----------------------------------------------------------------------------

bool hub_loop::drain_dealer(const dealer_ptr& line, time_point now) {
  std::vector<arrival> arrived;
  bool more = false;
  if (!line->is_closed()) {
    const std::lock_guard guard(line->socket().mutex);
    more = receive_all(line->socket().get(), false, arrived);
  }
  // What came in this turn may be younger than the turn: with the time of its beginning a
  // heartbeat would seem to have arrived before it was sent.
  now = look_at_clock();
  for (auto& each : arrived) {
    if (line->is_closed()) break;
    if (each.more_parts)
      board_->on_broken(line, "it sent a message of several parts", now);
    else
      board_->on_frame(line, std::move(each.body), now);
  }
  if (const auto it = dialled_.find(line.get()); more && it != dialled_.end()) it->second.signalled = true;
  return !arrived.empty();
}

void hub_loop::drain_dealer_monitor(const dealer_ptr& line, time_point now) {
  monitor_event event;
  while (!line->is_closed() && line->monitor() != nullptr && receive_event(line->monitor()->get(), event)) {
    while (!line->is_closed() && drain_dealer(line, now)) {
    } // what came before the end
    board_->on_broken(line, describe(event), now);
    if (!line->is_closed()) line->close(false); // nobody knew it any more
  }
}

// -- the accepting side ----------------------------------------------------------------------------

hub_loop::router_ptr hub_loop::router_wire_of(const std::string& key, const zmq_frame& body, time_point now) {
  if (const auto it = accepted_.find(key); it != accepted_.end()) return it->second;
  // Descriptors are used again: hear first of those that were closed.
  if (router_monitor_) read_router_monitor(now);
  const int descriptor = zmq_msg_get(&body.message, ZMQ_SRCFD);
  if (const auto it = callers_.find(descriptor); it != callers_.end()) it->second.spoke = true;
  for (auto& [former, who] : gone_)
    if (former == descriptor) who.spoke = true;
  auto line = std::make_shared<router_wire>(router_, key, descriptor);
  if (const auto* user = gatekeeper_ ? zmq_msg_gets(&body.message, "User-Id") : nullptr)
    line->set_may_be([this, shown = std::string(user)](const std::string& name) {
      return gatekeeper_->may_use(shown, name);
    });
  return line;
}

bool hub_loop::has_departed(const std::string& id) const {
  return std::find(departed_.begin(), departed_.end(), id) != departed_.end();
}

void hub_loop::turned_away(const wire& line, const std::string& name, std::string_view why) {
  const auto* accepted = dynamic_cast<const router_wire*>(&line);
  if (accepted == nullptr) {
    if (options_.log) options_.log(log_level::warning, "refused " + name + ": " + std::string(why));
  } else if (!has_departed(accepted->id())) {
    strangers_.note(peer_of(accepted->descriptor()), name, why, std::chrono::steady_clock::now());
  }
}

bool hub_loop::drain_router(time_point now) {
  std::vector<arrival> arrived;
  {
    const std::lock_guard guard(router_->mutex);
    if (receive_all(router_->get(), true, arrived)) router_signalled_ = true;
  }
  now = look_at_clock(); // see drain_dealer()
  for (auto& each : arrived) {
    const auto line = router_wire_of(each.id, *each.body, now);
    if (each.more_parts) {
      const auto* why = "it sent a message of several parts";
      if (!accepted_.contains(line->id())) turned_away(*line, {}, why);
      board_->on_broken(line, why, now);
      continue;
    }
    if (board_->on_frame(line, std::move(each.body), now) && !accepted_.contains(line->id())) keep(line);
  }
  return !arrived.empty();
}

void hub_loop::keep(const router_ptr& line) {
  accepted_.emplace(line->id(), line);
  if (line->descriptor() >= 0) accepted_by_descriptor_[line->descriptor()] = line;
  line->on_close = [this](router_wire& closing) {
    if (const auto it = accepted_by_descriptor_.find(closing.descriptor());
        it != accepted_by_descriptor_.end() && it->second.lock().get() == &closing)
      accepted_by_descriptor_.erase(it);
    if (departed_.size() == departed_max) departed_.pop_front();
    departed_.push_back(closing.id());
    accepted_.erase(closing.id());
  };
}

namespace {
/// Why somebody did not get through ZeroMQ's handshake; empty: it is not worth a word, or another
/// tells it. Whether time was up is not in the event, which has whatever errno was.
std::string why_no_handshake(const monitor_event& event, std::chrono::nanoseconds lasted, bool local) {
  if (event.event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return {}; // the gatekeeper does
  if (event.event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) return describe(event);
  if (lasted >= limits::handshake_timeout * 9 / 10)
    return "it did not get through ZeroMQ's handshake within " + limit_text(limits::handshake_timeout)
           + ": another program, or held up";
  // Who only looks whether anybody is there, as is_deserted() does, resets the connection.
  if (event.value != EPIPE || local) return {};
  return "it hung up in the middle of ZeroMQ's handshake: another program?";
}
} // namespace

void hub_loop::read_router_monitor(time_point now) {
  monitor_event event;
  while (receive_event(router_monitor_->get(), event)) {
    if (event.event == ZMQ_EVENT_ACCEPTED) {
      callers_[event.value] = {peer_of(event.value), now, false, {}, false};
      continue;
    }
    if (event.event != ZMQ_EVENT_DISCONNECTED) { // its descriptor comes with the next event
      handshake_failure_ = event;
      continue;
    }
    const auto failed = std::exchange(handshake_failure_, std::nullopt);
    if (auto caller = callers_.extract(event.value)) {
      auto& who = caller.mapped();
      who.told_of = failed.has_value();
      if (failed) who.failure = why_no_handshake(*failed, now - who.came, ipc_path(endpoint_) != "");
      gone_.emplace_back(event.value, std::move(who));
    }
    const auto it = accepted_by_descriptor_.find(event.value);
    if (it == accepted_by_descriptor_.end()) continue;
    if (auto line = it->second.lock()) {
      line->set_over();
      disconnected_.push_back(std::move(line));
    }
    accepted_by_descriptor_.erase(it);
  }
}

/// Of who has hung up without a word of this protocol.
void hub_loop::tell_gone(time_point now) {
  for (auto& [descriptor, who] : std::exchange(gone_, {})) {
    if (who.failure.empty() && !who.told_of && !who.spoke)
      who.failure = "what it sends is not ZeroMQ's protocol";
    if (!who.failure.empty()) strangers_.note(who.place, who.failure, now);
  }
}

void hub_loop::drain_gatekeeper(time_point now) {
  if (gatekeeper_) gatekeeper_->serve(now);
}

void hub_loop::drain_router_monitor(time_point now) {
  if (!router_monitor_) return; // inproc has no events
  read_router_monitor(now);
  if (disconnected_.empty() && gone_.empty()) return;
  while (drain_router(now)) {
  } // what came before the end
  tell_gone(now);
  for (const auto& line : std::exchange(disconnected_, {})) {
    board_->on_broken(line, "the connection was closed", now);
    line->close(false);
  }
}

} // namespace troupe::transport
