#include "base/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace troupe {

namespace {

/// Buckets for each power of two; half of one is the error, relative to the duration.
constexpr unsigned bits = 7;
constexpr std::uint64_t per_power = 1U << bits;

std::size_t bucket_of(std::uint64_t x) {
  if (x < per_power) return static_cast<std::size_t>(x);
  const auto shift = static_cast<unsigned>(std::bit_width(x)) - bits - 1;
  return static_cast<std::size_t>((shift + 1) * per_power + ((x >> shift) - per_power));
}

/// The middle of a bucket.
std::uint64_t middle_of(std::size_t bucket) {
  if (bucket < 2 * per_power) return bucket;
  const auto shift = bucket / per_power - 1;
  return ((bucket % per_power + per_power) << shift) + (std::uint64_t{1} << shift) / 2;
}

} // namespace

void histogram::add(std::chrono::nanoseconds x) {
  const auto bucket = bucket_of(static_cast<std::uint64_t>(std::max<std::int64_t>(x.count(), 0)));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, x);
}

void histogram::add(const histogram& x) {
  if (x.buckets_.size() > buckets_.size()) buckets_.resize(x.buckets_.size());
  for (std::size_t i = 0; i < x.buckets_.size(); ++i)
    buckets_[i] += x.buckets_[i];
  count_ += x.count_;
  max_ = std::max(max_, x.max_);
}

bool histogram::recount() {
  if (max_.count() < 0 || buckets_.size() > bucket_of(static_cast<std::uint64_t>(max_.count())) + 1)
    return false;
  count_ = 0;
  for (auto each : buckets_)
    if (__builtin_add_overflow(count_, each, &count_)) return false;
  return true;
}

std::chrono::nanoseconds histogram::at(double share) const {
  if (count_ == 0) return {};
  const auto wanted =
      std::max<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))), 1);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(std::chrono::nanoseconds{middle_of(i)}, max_);
  }
  return max_;
}

} // namespace troupe
