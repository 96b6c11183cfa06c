// Whether a node is still there, for those who may outlive it.
#pragma once

#include <cstdint>

namespace troupe {

/// A node's context ends with the node, and a thread of the program's own may hold a handle longer and send
/// to it: to an actor that has ended, since all of a node's do before. Whoever finds such an actor looks
/// here before it touches the context. Thread-safe.
class node_life {
 public:
  node_life();
  ~node_life() { end(); }
  node_life(const node_life&) = delete;
  node_life& operator=(const node_life&) = delete;

  /// No visit succeeds from now on. Returns when those under way are over; idempotent.
  void end();
  /// Never used again by another in this process.
  std::uint64_t number() const { return number_; }

  /// While one lives that is true, the node does not end.
  class visit {
   public:
    explicit visit(std::uint64_t number);
    ~visit();
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    explicit operator bool() const { return is_there_; }

   private:
    std::uint64_t number_;
    bool is_there_;
  };

 private:
  std::uint64_t number_;
};

} // namespace troupe
