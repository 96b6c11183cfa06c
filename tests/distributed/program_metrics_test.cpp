// What a Prometheus server sees of a run that is on.
#include "tests/distributed/config_files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/socket.h>

using namespace troupe::testing;

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  address.sin_port = ::htons(port);
  return address;
}

std::string scrape(std::uint16_t port) {
  const troupe::descriptor line(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(port);
  if (::connect(line.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  const std::string request = "GET /metrics HTTP/1.0\r\nHost: here\r\n\r\n";
  if (::write(line.get(), request.data(), request.size()) < 0) return {};
  std::string answer;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(line.get(), buffer.data(), buffer.size())) > 0;)
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  return answer;
}

/// The sum over all series of a metric whose labels contain `part`.
double sum_of(const std::string& page, const std::string& metric, const std::string& part = "") {
  std::istringstream lines(page);
  double sum = 0;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(metric + '{') && line.find(part) != std::string::npos)
      sum += std::stod(line.substr(line.rfind(' ')));
  return sum;
}

std::uint16_t port_of(const std::string& said) {
  const std::string before = "metrics at http://127.0.0.1:";
  return static_cast<std::uint16_t>(std::stoi(said.substr(said.find(before) + before.size())));
}

} // namespace

TEST_CASE("the metrics of a run that is on agree with its result", "[program][metrics]") {
  const temporary_directory directory;
  program troupe(TROUPE_PROGRAM,
                 {"run", many_file, "--nodes", "2", "--set", "count=20000", "--metrics", "127.0.0.1:*"},
                 directory.path());
  REQUIRE(troupe.says("troupe: running"));
  const auto port = port_of(troupe.errors);
  std::string page;
  double handled = 0;
  do { // the run takes minutes unless it is stopped
    page = scrape(port);
    const auto now = sum_of(page, "troupe_messages_handled_total");
    REQUIRE(now >= handled);
    handled = now;
  } while (sum_of(page, "troupe_messages_handled_total", "w1") < 10
           || sum_of(page, "troupe_messages_handled_total", "w2") < 10
           || sum_of(page, "troupe_link_up", "peer=\"main\"") < 2);
  CAPTURE(page);
  CHECK(page.find("200 OK") != std::string::npos);
  CHECK(page.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != std::string::npos);
  CHECK(page.find("troupe_run_info{scenario=\"worker_pool\"} 1") != std::string::npos);
  CHECK(sum_of(page, "troupe_node_up") == 3);
  CHECK(sum_of(page, "troupe_trace_complete") == 3);
  CHECK(sum_of(page, "troupe_link_up", "peer=\"main\"") == 2);
  CHECK(sum_of(page, "troupe_messages_sent_total", "type=\"assign_task\"") > 0);
  CHECK(sum_of(page, "troupe_messages_sent_total", "node=\"main\"") > 0);
  troupe.signal(SIGINT);
  CHECK(troupe.wait() == 130);
  std::ifstream file(directory / "runs" / "latest" / "result.json");
  const auto messages = nlohmann::json::parse(file).at("messages");
  CHECK(messages.at("handled").get<double>() >= handled);
  CHECK(messages.at("sent").get<double>() >= sum_of(page, "troupe_messages_sent_total"));
}

TEST_CASE("without a trace the metrics have sums from the books, and no types", "[program][metrics]") {
  const temporary_directory directory;
  program troupe(
      TROUPE_PROGRAM,
      {"run", many_file, "--nodes", "1", "--trace", "off", "--set", "count=20000", "--metrics", "0"},
      directory.path());
  REQUIRE(troupe.says("troupe: running"));
  const auto port = port_of(troupe.errors);
  std::string page;
  do
    page = scrape(port);
  while (sum_of(page, "troupe_messages_sent_total", "node=\"w1\"") < 1);
  CAPTURE(page);
  CHECK(page.find("type=") == std::string::npos);
  CHECK(page.find("troupe_mailbox") == std::string::npos);
  CHECK(sum_of(page, "troupe_trace_complete") == 0);
  CHECK(sum_of(page, "troupe_node_up") == 2);
  troupe.signal(SIGINT);
  CHECK(troupe.wait() == 130);
}

TEST_CASE("metrics that cannot be served are told before anything is started", "[program][metrics]") {
  const temporary_directory directory;
  const troupe::descriptor taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(0);
  socklen_t size = sizeof address;
  REQUIRE(::bind(taken.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(taken.get(), 1) == 0);
  REQUIRE(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const auto there = "127.0.0.1:" + std::to_string(::ntohs(address.sin_port));
  const std::pair<std::string, std::string> wrong[] = {
      {there, "--metrics cannot listen on " + there + ": Address already in use"},
      {"70000", "\"70000\" is no port from 0 to 65535"},
      {"here:", "\"\" is no port"},
      {"::1:80", "an IPv6 address stands in brackets"},
      {"[::1", "there is no ]:"},
  };
  for (const auto& [text, why] : wrong) {
    program troupe(TROUPE_PROGRAM, {"run", many_file, "--metrics", text}, directory.path());
    CHECK(troupe.wait() == 2);
    CAPTURE(troupe.errors, why);
    CHECK(troupe.errors.find(why) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(directory / "runs"));
  }
}
