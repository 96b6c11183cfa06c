#include "actors/runtime/node_life.hpp"

#include <condition_variable>
#include <map>
#include <mutex>

namespace troupe {

namespace {

struct life_register {
  std::mutex mutex;
  std::condition_variable left;
  std::uint64_t last = 0;
  struct state {
    std::uint64_t visits = 0;
    bool ending = false;
  };
  std::map<std::uint64_t, state> lives;
};

/// Never destroyed: threads may still send while the process ends.
life_register& all() {
  static auto& made = *new life_register;
  return made;
}

} // namespace

node_life::node_life() {
  auto& lives = all();
  const std::lock_guard lock{lives.mutex};
  number_ = ++lives.last;
  lives.lives.try_emplace(number_);
}

void node_life::end() {
  auto& lives = all();
  std::unique_lock lock{lives.mutex};
  const auto mine = lives.lives.find(number_);
  if (mine == lives.lives.end()) return;
  mine->second.ending = true;
  lives.left.wait(lock, [&] { return mine->second.visits == 0; });
  lives.lives.erase(mine);
}

node_life::visit::visit(std::uint64_t number) : number_(number), is_there_(false) {
  auto& lives = all();
  const std::lock_guard lock{lives.mutex};
  const auto found = lives.lives.find(number);
  if (found == lives.lives.end() || found->second.ending) return;
  ++found->second.visits;
  is_there_ = true;
}

node_life::visit::~visit() {
  if (!is_there_) return;
  auto& lives = all();
  const std::lock_guard lock{lives.mutex};
  if (--lives.lives.at(number_).visits == 0) lives.left.notify_all();
}

} // namespace troupe
