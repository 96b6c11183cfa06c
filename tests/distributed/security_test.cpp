// Nobody in where they don't belong: runs over tcp, as their user and as a stranger see them.
#include "tests/support/catch.hpp"
#include "tests/support/memory.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"
#include "transport/hub/endpoints.hpp"
#include "transport/hub/keys.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <zmq.h>

using namespace troupe::testing;
using namespace troupe::transport;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const std::string troupe_program = TROUPE_PROGRAM;

/// Runs the program to its end in that directory; what it wrote goes to `output`, `errors`.
int call(const fs::path& directory, const std::vector<std::string>& arguments, std::string* output = nullptr,
         std::string* errors = nullptr) {
  program troupe(troupe_program, arguments, directory);
  const int code = troupe.wait();
  if (output) *output = troupe.output;
  if (errors) *errors = troupe.errors;
  return code;
}

/// A run of sleeping tasks over tcp on loopback, so that it lasts `tasks` times 10 ms a node.
struct tcp_run {
  explicit tcp_run(int tasks, const std::string& topology = {}) {
    std::ofstream{directory / "pool.toml"} << "scenario = \"worker_pool\"\ndeadline = \"10m\"\n[parameters]\n"
                                              "task = \"sleep\"\nunit = \"10ms\"\ninputs = ["
                                           << repeated(tasks)
                                           << "]\nworkers = 2\nprefetch = 1\n[topology]\nendpoint = \"tcp\"\n"
                                           << (topology.empty() ? "nodes = 2\n" : topology);
    start();
  }
  /// In a directory that has pool.toml already.
  void start() {
    troupe = std::make_unique<program>(
        troupe_program, std::vector<std::string>{"run", "pool.toml", "--out", "runs"}, directory.path());
  }
  static std::string repeated(int count) {
    std::string list = "1";
    for (int i = 1; i < count; ++i)
      list += ",1";
    return list;
  }
  json result() const { return json::parse(content_of(directory / "runs" / "latest" / "result.json")); }
  temporary_directory directory;
  std::unique_ptr<program> troupe;
};

/// What follows `option` among the arguments of a process; empty if it has no such.
std::string argument_of(pid_t pid, const std::string& option) {
  std::istringstream line(content_of("/proc/" + std::to_string(pid) + "/cmdline"));
  for (std::string word; std::getline(line, word, '\0');)
    if (word == option && std::getline(line, word, '\0')) return word;
  return {};
}

/// The public keys of all secret keys that may be in the bytes: each run of 40 characters of Z85.
void find_keys(const std::string& bytes, std::set<std::string>& publics) {
  constexpr std::string_view letters =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  std::size_t length = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    length = letters.find(bytes[i]) == std::string_view::npos ? 0 : length + 1;
    if (length < 40) continue;
    const auto window = bytes.substr(i + 1 - 40, 40);
    char derived[41];
    if (is_key(window) && ::zmq_curve_public(derived, window.c_str()) == 0) publics.insert(derived);
  }
}

int tcp_connect(const std::string& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

/// A ZeroMQ client that sends what could be a hello, over and over, while it is there.
struct zmq_stranger {
  explicit zmq_stranger(const std::string& address, const key_pair& keys = {},
                        const std::string& server_key = {}) {
    const int none = 0;
    ::zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    ::zmq_setsockopt(socket, ZMQ_SNDTIMEO, &none, sizeof none);
    if (!server_key.empty()) {
      ::zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key.c_str(), 41);
      ::zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys.public_key.c_str(), 41);
      ::zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys.secret_key.c_str(), 41);
    }
    REQUIRE(::zmq_connect(socket, address.c_str()) == 0);
    const std::string hello = "\x01TRUP\x01";
    for (int i = 0; i < 100; ++i)
      ::zmq_send(socket, hello.data(), hello.size(), 0);
  }
  ~zmq_stranger() {
    ::zmq_close(socket);
    ::zmq_ctx_term(context);
  }
  /// Whether anything came from the other side.
  bool heard() {
    char octet = 0;
    return ::zmq_recv(socket, &octet, 1, ZMQ_DONTWAIT) >= 0;
  }
  void* context = ::zmq_ctx_new();
  void* socket = ::zmq_socket(context, ZMQ_DEALER);
};

} // namespace

TEST_CASE("keygen writes a pair for its owner only, and overwrites none by itself", "[security]") {
  const temporary_directory directory;
  std::string output, errors;
  REQUIRE(call(directory.path(), {"keygen", "-o", "a.key"}, &output) == 0);
  const auto pair = read_key_pair(directory / "a.key");
  CHECK(output == pair.public_key + "\n");
  CHECK(read_public_key(directory / "a.key.pub") == pair.public_key);
  CHECK((fs::status(directory / "a.key").permissions() & fs::perms::mask) == fs::perms(0600));
  CHECK(call(directory.path(), {"keygen", "-o", "a.key"}, nullptr, &errors) == 2);
  CHECK(contains(errors, "a.key exists already"));
  CHECK(read_key_pair(directory / "a.key").public_key == pair.public_key);
  CHECK(call(directory.path(), {"keygen", "-o", "a.key", "--force"}) == 0);
  CHECK(read_key_pair(directory / "a.key").public_key != pair.public_key);

  fs::permissions(directory / "a.key", fs::perms(0640));
  CHECK(call(directory.path(),
             {"node", "--join", "tcp://127.0.0.1:1|" + pair.public_key, "--name", "x", "--key", "a.key"},
             nullptr, &errors)
        == 2);
  CHECK(contains(errors, "others may use it (mode 0640)"));
  CHECK(call(directory.path(), {"node", "--join", "tcp://127.0.0.1:1|" + pair.public_key, "--name", "x"},
             nullptr, &errors)
        == 2);
  CHECK(contains(errors, "--key FILE"));
}

TEST_CASE("the nodes of a run over tcp have keys that nobody else can see", "[security]") {
  tcp_run run(200);
  REQUIRE(run.troupe->says("troupe: running"));
  std::set<std::string> publics;
  std::string server_key;
  std::size_t nodes = 0;
  for (const auto pid : children_of(run.troupe->pid())) {
    const auto join = argument_of(pid, "--join");
    if (join.empty()) continue; // the guard
    ++nodes;
    server_key = split_key(join).key;
    CHECK(is_key(server_key));
    const auto directory = "/proc/" + std::to_string(pid);
    find_keys(content_of(directory + "/cmdline"), publics);
    find_keys(content_of(directory + "/environ"), publics);
    for (const auto& each : fs::directory_iterator(directory + "/fd")) {
      std::error_code gone;
      CHECK_FALSE(contains(fs::read_symlink(each.path(), gone).string(), "memfd")); // it has been read
    }
  }
  CHECK(nodes == 2);
  CHECK(publics.count(server_key) == 0); // nothing there is the secret of the key that is shown
  REQUIRE(run.troupe->wait() == 0);
  publics.clear();
  for (const auto& each : fs::recursive_directory_iterator(run.directory / "runs"))
    if (each.is_regular_file()) find_keys(content_of(each.path()), publics);
  find_keys(run.troupe->errors + run.troupe->output, publics);
  CHECK(publics.count(server_key) == 0);
  CHECK(run.result()["verdict"] == "passed");
}

TEST_CASE("strangers get nothing out of a run over tcp, and it goes on", "[security]") {
  tcp_run run(600);
  REQUIRE(run.troupe->says("troupe: running"));
  std::string endpoint;
  for (const auto pid : children_of(run.troupe->pid()))
    if (auto join = argument_of(pid, "--join"); !join.empty()) endpoint = join;
  const auto [address, server_key] = split_key(endpoint);
  const auto before = resident_kib(run.troupe->pid());

  std::mt19937_64 random(11);
  std::string noise(200'000, '\0');
  for (auto& c : noise)
    c = static_cast<char>(random());
  const std::string tls{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11};
  const auto unlisted = make_key_pair();
  std::vector<std::unique_ptr<zmq_stranger>> strangers;
  std::vector<int> sockets;
  for (int round = 0; round < 10; ++round) {
    strangers.push_back(std::make_unique<zmq_stranger>(address));                       // no key
    strangers.push_back(std::make_unique<zmq_stranger>(address, unlisted, server_key)); // not listed
    strangers.push_back(
        std::make_unique<zmq_stranger>(address, make_key_pair(), make_key_pair().public_key)); // wrong
    for (const auto& said : {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), tls + noise, noise,
                             std::string("\xff\0\0\0\0\0\0\0\1\x7f\3", 11) + noise, std::string()})
      if (const int fd = tcp_connect(address); fd >= 0) {
        [[maybe_unused]] const auto n = ::send(fd, said.data(), said.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        sockets.push_back(fd);
      }
  }
  CHECK(sockets.size() == 50);
  const int code = run.troupe->wait();
  const auto text = run.troupe->errors;
  CAPTURE(text);
  CHECK(code == 0);
  for (auto& stranger : strangers)
    CHECK_FALSE(stranger->heard());
  for (const int fd : sockets)
    ::close(fd);
  const auto result = run.result();
  CHECK(result["verdict"] == "passed");
  CHECK(result["nodes"].size() == 3); // nobody else was a node of it
  CHECK(result["messages"]["lost"] == 0);
  CHECK(contains(text, "is not let in"));
  CHECK(times_in(text, "is not let in") <= 4); // once a peer, not once a try
  CHECK(before > 0);
}

TEST_CASE("eighty megabytes of a stranger's cost a run over tcp a bounded amount of memory", "[security]") {
  tcp_run run(600);
  REQUIRE(run.troupe->says("troupe: running"));
  std::string endpoint;
  for (const auto pid : children_of(run.troupe->pid()))
    if (auto join = argument_of(pid, "--join"); !join.empty()) endpoint = join;
  const auto before = peak_kib(run.troupe->pid());
  // A greeting of ZMTP with the mechanism CURVE, and a command that never ends.
  std::string greeting("\xff\0\0\0\0\0\0\0\1\x7f\3\0CURVE", 17);
  greeting.resize(64, '\0');
  greeting += std::string("\x06\0\0\0\x7f\0\0\0\0", 9);
  const std::string chunk(1 << 20, 'x');
  for (int i = 0; i < 8; ++i) {
    const int fd = tcp_connect(split_key(endpoint).address);
    REQUIRE(fd >= 0);
    timeval patience{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    [[maybe_unused]] auto n = ::send(fd, greeting.data(), greeting.size(), MSG_NOSIGNAL);
    for (int k = 0; k < 10 && n > 0; ++k)
      n = ::send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL);
    ::close(fd);
  }
  CHECK(peak_kib(run.troupe->pid()) < before + 32'000);
  CHECK(run.troupe->wait() == 0);
}

TEST_CASE("a node started by hand joins a run with keys when its key is listed, and only then",
          "[security]") {
  tcp_run first(1); // for its directory
  first.troupe->wait();
  const auto& directory = first.directory;
  for (const auto* name : {"main.key", "gpu.key", "other.key"})
    REQUIRE(call(directory.path(), {"keygen", "-o", name}) == 0);
  const auto listed = read_public_key(directory / "gpu.key.pub");
  auto text = content_of(directory / "pool.toml");
  text += "external = [\"gpu-1\"]\njoin_timeout = \"60s\"\n[topology.security]\nsecret_key = \"main.key\"\n"
          "allowed_clients = [\""
          + listed + "\"]\n";
  text.replace(text.find("nodes = 2"), 9, "nodes = 1");
  text.replace(text.find("inputs = [1]"), 12, "inputs = [" + tcp_run::repeated(20) + "]");
  std::ofstream{directory / "pool.toml"} << text;
  first.start();
  REQUIRE(first.troupe->says("--key FILE"));
  const auto& told = first.troupe->errors;
  const auto begin = told.find("--join '") + 8;
  const auto endpoint = told.substr(begin, told.find('\'', begin) - begin);
  CHECK(split_key(endpoint).key == read_public_key(directory / "main.key.pub"));

  std::string errors;
  CHECK(call(directory.path(), {"node", "--join", endpoint, "--name", "gpu-1", "--key", "other.key"}, nullptr,
             &errors)
        == 2);
  CHECK(call(directory.path(), {"node", "--join", endpoint, "--name", "w1", "--key", "gpu.key"}, nullptr,
             &errors)
        == 2);
  CHECK(contains(errors, "not allowed")); // that name is another's

  std::string output;
  const auto address = split_key(endpoint).address; // the server's key may come from a file, too
  CHECK(
      call(directory.path(),
           {"node", "--join", address, "--server-key", "main.key.pub", "--name", "gpu-1", "--key", "gpu.key"},
           &output, &errors)
      == 0);
  const int code = first.troupe->wait();
  CAPTURE(errors, output, first.troupe->errors);
  REQUIRE(code == 0);
  const auto result = first.result();
  CHECK(result["verdict"] == "passed");
  std::size_t done = 0;
  for (const auto& each : result["result"]["per_worker"])
    if (each["node"] == "gpu-1") done += each["tasks"].get<std::size_t>();
  CHECK(done > 0);
}

TEST_CASE("the sockets of a run lie where only its user may look", "[security]") {
  const temporary_directory directory;
  std::ofstream{directory / "pool.toml"} << "scenario = \"worker_pool\"\n[parameters]\ntask = \"sleep\"\n"
                                            "inputs = [1, 1, 1, 1]\n[topology]\nnodes = 2\n";
  program troupe(troupe_program, {"run", "pool.toml", "--out", "runs"}, directory.path());
  REQUIRE(troupe.says("troupe: running"));
  std::size_t sockets = 0;
  for (const auto& each : fs::recursive_directory_iterator(directory / "tmp"))
    if (fs::is_socket(each.status())) {
      ++sockets;
      CHECK((fs::status(each.path().parent_path()).permissions() & fs::perms::mask) == fs::perms(0700));
    }
  CHECK(sockets == 3);
  CHECK(troupe.wait() == 0);
}
