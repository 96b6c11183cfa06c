// The fuzz targets without a fuzzer, for every compiler: runs the seed corpus, and then
// so many random changes of it, drawn from a seed that is printed.
//   replay_NAME CORPUS [CHANGES [SEED]]
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace {

constexpr std::size_t input_bytes_max = 8192;
std::string current; ///< what is being tried, for whoever wants to know what broke

extern "C" void on_crash(int number) {
  constexpr char digits[] = "0123456789abcdef";
  constexpr char head[] = "\nthis input, in hex: ";
  [[maybe_unused]] auto n = ::write(2, head, sizeof head - 1);
  for (const char c : current) {
    const auto octet = static_cast<unsigned char>(c);
    const char two[] = {digits[octet >> 4], digits[octet & 15]};
    n = ::write(2, two, sizeof two);
  }
  n = ::write(2, "\n", 1);
  ::signal(number, SIG_DFL);
  ::raise(number);
}

void run(std::string input) {
  current = std::move(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(current.data()), current.size());
}

class changer {
 public:
  changer(std::vector<std::string> seeds, std::uint64_t seed) : seeds_(std::move(seeds)), random_(seed) {}

  std::string next() {
    auto text = seeds_[below(seeds_.size())];
    for (auto steps = 1 + below(4); steps > 0; --steps)
      change(text);
    text.resize(std::min(text.size(), input_bytes_max));
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  char octet() {
    constexpr unsigned char telling[] = {0, 1, 0x7f, 0x80, 0xc1, 0xdd, 0xdf, 0xfe, 0xff};
    return static_cast<char>(below(2) == 0 ? telling[below(sizeof telling)] : below(256));
  }
  void change(std::string& text) {
    const auto at = below(text.size() + 1);
    const auto length = below(std::min<std::size_t>(text.size() - at, 16) + 1);
    switch (below(5)) {
    case 0:
      if (at < text.size()) text[at] = octet();
      break;
    case 1:
      text.insert(at, 1 + below(8), octet());
      break;
    case 2:
      text.erase(at, length);
      break;
    case 3:
      text.insert(at, text.substr(at, length));
      break;
    default: { // goes on like another one
      const auto& other = seeds_[below(seeds_.size())];
      text = text.substr(0, at) + other.substr(below(other.size() + 1));
    }
    }
  }

  const std::vector<std::string> seeds_;
  std::mt19937_64 random_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS, SIGILL})
    ::signal(number, on_crash);
  std::vector<std::filesystem::path> files;
  for (const auto& each : std::filesystem::recursive_directory_iterator(argv[1]))
    if (each.is_regular_file()) files.push_back(each.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "%s has no seeds\n", argv[1]);
    return 1;
  }
  const auto changes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const auto seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : std::random_device{}();
  std::printf("%zu inputs, %llu changes of them, seed %llu\n", seeds.size(), changes,
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  for (const auto& each : seeds)
    run(each);
  changer draw(std::move(seeds), seed);
  for (auto left = changes; left > 0; --left)
    run(draw.next());
}
