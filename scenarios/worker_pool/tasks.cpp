#include "scenarios/worker_pool/tasks.hpp"

#include "runner/plan/json_text.hpp"

#include <algorithm>
#include <array>
#include <gmpxx.h>
#include <sodium.h>
#include <stdexcept>
#include <vector>

namespace troupe::scenarios {

namespace {

std::uint64_t natural(const nlohmann::json& input, std::uint64_t at_least) {
  if (!input.is_number_integer() || input.get<std::int64_t>() < static_cast<std::int64_t>(at_least))
    throw std::invalid_argument("the input must be a whole number of at least " + std::to_string(at_least)
                                + ", not " + json_text(input));
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

/// A request to somebody else, simulated: the answer takes a while, and may come too late.
class sleep_task final : public running_task {
 public:
  sleep_task(double units, double limit, double unit_s)
      : late_(limit > 0 && units > limit),
        left_(std::chrono::nanoseconds{static_cast<std::int64_t>((late_ ? limit : units) * unit_s * 1e9)}) {
    if (units < 0 || unit_s < 0) throw std::invalid_argument("a request cannot take less than no time");
  }

  bool step(std::uint64_t) override { return std::exchange(asked_, true) || left_.count() == 0; }
  nlohmann::json output() const override { return late_ ? "timed out" : "answered"; }
  std::chrono::nanoseconds pause() const override { return left_; }

 private:
  const bool late_;
  const std::chrono::nanoseconds left_;
  bool asked_ = false;
};

/// x -> x² - x + 1, so many times. Each value needs the one before: there is nothing to share.
class iterate_modulo final : public running_task {
 public:
  iterate_modulo(std::uint64_t start, std::uint64_t times, std::uint64_t modulo)
      : modulo_(modulo), x_(start % modulo), left_(times) {}

  bool step(std::uint64_t steps) override {
    for (; steps > 0 && left_ > 0; --steps, --left_) {
      const auto x = static_cast<unsigned __int128>(x_);
      x_ = static_cast<std::uint64_t>((x * x + modulo_ - x + 1) % modulo_);
    }
    return left_ == 0;
  }
  nlohmann::json output() const override { return x_; }

 private:
  const std::uint64_t modulo_;
  std::uint64_t x_, left_;
};

/// The same without a limit: the number of digits doubles each time.
class iterate_big final : public running_task {
 public:
  iterate_big(std::uint64_t start, std::uint64_t times)
      : x_(static_cast<unsigned long>(start)), left_(times) {}

  bool step(std::uint64_t) override {
    if (left_ == 0) return true;
    x_ = x_ * x_ - x_ + 1;
    return --left_ == 0;
  }
  nlohmann::json output() const override {
    const auto digits = x_.get_str();
    constexpr std::size_t shown_max = 60, ends = 20;
    if (digits.size() <= shown_max) return digits;
    return digits.substr(0, ends) + "…" + digits.substr(digits.size() - ends) + " ("
           + std::to_string(digits.size()) + " digits)";
  }

 private:
  mpz_class x_;
  std::uint64_t left_;
};

/// RFC 7914 by libsodium, in one piece.
class scrypt final : public running_task {
 public:
  scrypt(std::string password, std::string salt, std::uint64_t n)
      : password_(std::move(password)), salt_(std::move(salt)), n_(n) {}

  bool step(std::uint64_t) override {
    constexpr std::uint32_t r = 8, p = 1;
    auto bytes = [](const std::string& x) { return reinterpret_cast<const std::uint8_t*>(x.data()); };
    if (crypto_pwhash_scryptsalsa208sha256_ll(bytes(password_), password_.size(), bytes(salt_), salt_.size(),
                                              n_, r, p, hash_.data(), hash_.size())
        != 0)
      throw std::runtime_error("scrypt with n = " + std::to_string(n_) + " needs more memory than there is");
    return true;
  }
  nlohmann::json output() const override {
    std::string text;
    for (auto byte : hash_)
      for (auto digit : {byte >> 4, byte & 15})
        text += "0123456789abcdef"[digit];
    return text;
  }

 private:
  const std::string password_, salt_;
  const std::uint64_t n_;
  std::array<std::uint8_t, 64> hash_{};
};

std::unique_ptr<running_task> make_iterate(const nlohmann::json& input) {
  const auto start = natural(input.at("start"), 0), times = natural(input.at("times"), 0),
             modulo = natural(input.at("modulo"), 0);
  if (modulo != 0) return std::make_unique<iterate_modulo>(start, times, modulo);
  if (times > iterate_big_max)
    throw std::invalid_argument("without modulo, times may be at most " + std::to_string(iterate_big_max)
                                + ": the number of digits doubles each time");
  return std::make_unique<iterate_big>(start, times);
}

std::unique_ptr<running_task> make_scrypt(const nlohmann::json& input) {
  const auto n = natural(input.at("n"), 2);
  if ((n & (n - 1)) != 0)
    throw std::invalid_argument("n of scrypt must be a power of two, not " + std::to_string(n));
  return std::make_unique<scrypt>(input.at("password").get<std::string>(),
                                  input.at("salt").get<std::string>(), n);
}

} // namespace

const task_catalog& standard_tasks() {
  static const task_catalog tasks{
      {"is_prime", [](const nlohmann::json& input) { return std::make_unique<is_prime>(natural(input, 0)); }},
      {"factors", [](const nlohmann::json& input) { return std::make_unique<factors>(natural(input, 1)); }},
      {"sleep",
       [](const nlohmann::json& input) {
         return std::make_unique<sleep_task>(input.at("units").get<double>(), input.at("limit").get<double>(),
                                             input.at("unit_s").get<double>());
       }},
      {"iterate", make_iterate},
      {"scrypt", make_scrypt},
  };
  return tasks;
}

} // namespace troupe::scenarios
