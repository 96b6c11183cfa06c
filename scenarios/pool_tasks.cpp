#include "scenarios/pool_tasks.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace troupe::scenarios {

namespace {

std::uint64_t natural(const nlohmann::json& input, std::uint64_t at_least) {
  if (!input.is_number_integer() || input.get<std::int64_t>() < static_cast<std::int64_t>(at_least))
    throw std::invalid_argument("the input must be a whole number of at least " + std::to_string(at_least) + ", not "
                                + input.dump());
  return input.get<std::uint64_t>();
}

/// Trial division by 2, 3 and 6k ± 1.
class is_prime final : public running_task {
public:
  explicit is_prime(std::uint64_t number) : number_(number) {}

  bool step(std::uint64_t steps) override {
    if (number_ < 4) return finish(number_ >= 2);
    if (number_ % 2 == 0 || number_ % 3 == 0) return finish(false);
    for (std::uint64_t i = 0; i < steps; i += 2, divisor_ += 6) {
      if (divisor_ > number_ / divisor_) return finish(true);
      if (number_ % divisor_ == 0 || number_ % (divisor_ + 2) == 0) return finish(false);
    }
    return false;
  }
  nlohmann::json output() const override { return prime_; }

private:
  bool finish(bool prime) {
    prime_ = prime;
    return true;
  }
  const std::uint64_t number_;
  std::uint64_t divisor_ = 5;
  bool prime_ = false;
};

/// All divisors in ascending order, found in pairs.
class factors final : public running_task {
public:
  explicit factors(std::uint64_t number) : number_(number) {}

  bool step(std::uint64_t steps) override {
    for (std::uint64_t i = 0; i < steps; ++i, ++divisor_) {
      if (divisor_ > number_ / divisor_) {
        low_.insert(low_.end(), high_.rbegin(), high_.rend());
        high_.clear();
        return true;
      }
      if (number_ % divisor_ != 0) continue;
      low_.push_back(divisor_);
      if (divisor_ != number_ / divisor_) high_.push_back(number_ / divisor_);
    }
    return false;
  }
  nlohmann::json output() const override { return low_; }

private:
  const std::uint64_t number_;
  std::uint64_t divisor_ = 1;
  std::vector<std::uint64_t> low_, high_;
};

} // namespace

const task_catalog& standard_tasks() {
  static const task_catalog tasks{
    {"is_prime", [](const nlohmann::json& input) { return std::make_unique<is_prime>(natural(input, 0)); }},
    {"factors", [](const nlohmann::json& input) { return std::make_unique<factors>(natural(input, 1)); }},
  };
  return tasks;
}

} // namespace troupe::scenarios
