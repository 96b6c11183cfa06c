#include "bench/support.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace bench {

std::string machine() {
  std::string model = "unknown processor", line;
  std::ifstream cpuinfo{"/proc/cpuinfo"};
  while (std::getline(cpuinfo, line))
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  utsname system{};
  ::uname(&system);
  const auto bytes =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  return model + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores, "
         + std::to_string(static_cast<int>(bytes / (1 << 30) + 0.5)) + " GiB, " + system.sysname + ' '
         + system.release;
}

double percentile(std::vector<double> sample, double part) {
  if (sample.empty()) return 0;
  std::sort(sample.begin(), sample.end());
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sample.size() - 1) + 0.5);
  return sample[at];
}

std::size_t resident_bytes(pid_t pid) {
  std::ifstream statm{"/proc/" + std::to_string(pid) + "/statm"};
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

child::child(const std::vector<std::string>& arguments) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  std::vector<char*> argv{const_cast<char*>("bench")};
  for (auto& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  output_ = ends[0];
  char c = 0;
  while (::read(output_, &c, 1) == 1 && c != '\n')
    line_ += c;
  if (c != '\n') throw std::runtime_error("the child process did not start");
}

child::~child() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::close(output_);
}

void ready(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void ready_and_wait(const std::string& line) {
  ready(line);
  while (::getppid() != 1)
    ::pause();
}

} // namespace bench
