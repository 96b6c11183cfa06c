#include "actors/patterns/channel.hpp"

#include "actors/codec/message_catalog.hpp"

#include <algorithm>

namespace troupe {

void add_channel_messages(message_catalog& catalog) {
  catalog.add<channel_options, channel_want, channel_credit, channel_done, channel_take, channel_closed,
              close_channel, ask_channel, channel_report>();
}

// -- fill_history -----------------------------------------------------------------------

void fill_history::note(caf::timespan now, std::uint64_t fill) {
  last_time_ = now;
  auto index = static_cast<std::size_t>(now / width_);
  while (index >= samples_max) {
    for (std::size_t i = 0; i < spans_.size(); i += 2) {
      auto merged = spans_[i];
      if (i + 1 < spans_.size())
        merged = {std::min(merged.low, spans_[i + 1].low), std::max(merged.high, spans_[i + 1].high)};
      spans_[i / 2] = merged;
    }
    spans_.resize((spans_.size() + 1) / 2);
    width_ *= 2;
    index /= 2;
  }
  while (spans_.size() <= index)
    spans_.push_back({last_fill_, last_fill_});
  spans_[index] = {std::min(spans_[index].low, fill), std::max(spans_[index].high, fill)};
  last_fill_ = fill;
}

std::vector<fill_sample> fill_history::samples() const {
  std::vector<fill_sample> result;
  for (std::size_t i = 0; i < spans_.size(); ++i) {
    const auto from = static_cast<std::int64_t>(i) * width_;
    result.push_back(
        {from, std::min(from + width_, std::max(last_time_, from)), spans_[i].low, spans_[i].high});
  }
  return result;
}

// -- channel_flow -----------------------------------------------------------------------

namespace {

channel_options sane(channel_options options) {
  options.capacity = std::max<std::uint64_t>(options.capacity, 1);
  return options;
}

/// What one of `waiting` gets of `items`, so that the others get something too.
std::uint64_t fair_share(std::uint64_t items, std::size_t waiting) {
  return std::max<std::uint64_t>(items / waiting, 1);
}

} // namespace

channel_flow::channel_flow(const channel_options& options) : options_(sane(options)) {}

bool channel_flow::know(const caf::actor& who) { return known_.insert(who.address()).second; }

bool channel_flow::want(const caf::actor& who, std::uint64_t items, message_token why) {
  if (items != 0) wants_.push_back({who, items, why});
  producers_.insert(who.address());
  return know(who);
}

bool channel_flow::take(const caf::actor& who, std::uint64_t items, message_token why) {
  if (items != 0) takes_.push_back({who, items, why});
  demand_ += items;
  return know(who);
}

std::uint64_t channel_flow::use_credit(const caf::actor_addr& who, std::uint64_t items) {
  auto found = credit_.find(who);
  if (found == credit_.end()) return 0;
  const auto used = std::min(items, found->second);
  found->second -= used;
  credit_out_ -= used;
  return used;
}

void channel_flow::done(const caf::actor& who) {
  if (!finished_.insert(who.address()).second) return;
  producers_.erase(who.address());
  if (auto found = credit_.find(who.address()); found != credit_.end()) {
    credit_out_ -= found->second;
    credit_.erase(found);
  }
  std::erase_if(wants_, [&](auto& want) { return want.who == who; });
  if (++done_ == options_.producers) closed_ = true;
}

void channel_flow::gone(const caf::actor_addr& who) {
  known_.erase(who);
  std::erase_if(takes_, [&](auto& take) {
    if (take.who.address() != who) return false;
    demand_ -= take.items;
    return true;
  });
  std::erase_if(wants_, [&](auto& want) { return want.who.address() == who; });
  if (auto found = credit_.find(who); found != credit_.end()) {
    credit_out_ -= found->second;
    credit_.erase(found);
  }
  if (producers_.erase(who) != 0 && ++done_ == options_.producers) closed_ = true;
}

void channel_flow::close(bool discard) {
  closed_ = true;
  discards_ = discards_ || discard;
}

std::vector<channel_flow::portion> channel_flow::shares(std::uint64_t fill) {
  std::vector<portion> result;
  while (fill > 0 && !takes_.empty()) {
    const auto share = fair_share(fill, takes_.size());
    auto take = std::move(takes_.front());
    takes_.pop_front();
    demand_ -= take.items;
    take.items = std::min(take.items, share);
    fill -= take.items;
    result.push_back(std::move(take));
  }
  return result;
}

std::vector<channel_flow::portion> channel_flow::grants(std::uint64_t fill) {
  std::vector<portion> result;
  if (closed_) return result;
  const auto places = options_.pull ? std::min(options_.capacity, demand_) : options_.capacity;
  const auto kept = fill + credit_out_;
  auto room = places > kept ? places - kept : 0;
  for (auto turns = wants_.size(); turns > 0 && room > 0; --turns) {
    auto want = std::move(wants_.front());
    wants_.pop_front();
    const auto items = std::min(want.items, fair_share(room, turns));
    result.push_back({want.who, items, want.why});
    room -= items;
    credit_out_ += items;
    credit_[want.who.address()] += items;
    want.items -= items;
    if (want.items > 0) wants_.push_back(std::move(want));
  }
  return result;
}

std::vector<caf::actor> channel_flow::to_be_told(std::uint64_t fill) {
  std::vector<caf::actor> result;
  if (!closed_) return result;
  for (auto& want : std::exchange(wants_, {}))
    result.push_back(want.who);
  // Items may still come on credit that was given before.
  if (fill != 0 || credit_out_ != 0) return result;
  for (auto& take : std::exchange(takes_, {}))
    result.push_back(take.who);
  demand_ = 0;
  return result;
}

} // namespace troupe
