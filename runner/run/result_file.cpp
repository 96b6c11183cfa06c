#include "runner/run/result_file.hpp"

#include "runner/file/scenario_file.hpp"
#include "runner/plan/json_text.hpp"

#include <algorithm>

namespace troupe::scenarios {

namespace {

/// Room for the result: nearly every one is smaller, and a larger one needs more of the disk at
/// the end. Of a small disk the books need the most.
constexpr std::uint64_t result_bytes_min = 64U << 10, result_bytes_max = 1U << 20;

std::uint64_t room_for_result(const std::filesystem::path& run_dir) {
  std::error_code error;
  const auto space = std::filesystem::space(run_dir, error);
  return error ? result_bytes_max
               : std::clamp<std::uint64_t>(space.available / 4, result_bytes_min, result_bytes_max);
}

} // namespace

void write_plan(const std::filesystem::path& run_dir, const plan& what, std::uint64_t seed) {
  if (std::filesystem::exists(run_dir / "main.books"))
    throw std::runtime_error("the directory " + run_dir.string() + " is another run's");
  auto resolved = to_json(what);
  resolved["seed"] = seed;
  write_file(run_dir / "plan.json", json_text(resolved, 2) + '\n');
}

result_file::result_file(const std::filesystem::path& run_dir)
    : file_(run_dir / "result.json", whole_file::options{.durable = true}) {
  file_.reserve(room_for_result(run_dir));
}

std::string result_file::write(const outcome& result) {
  try {
    file_.write(json_text(to_json(result), 2) + '\n');
    file_.keep();
  } catch (const file_error& e) {
    return e.what();
  }
  return {};
}

} // namespace troupe::scenarios
