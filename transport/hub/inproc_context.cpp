#include "transport/hub/inproc_context.hpp"

#include <stdexcept>
#include <string>
#include <zmq.h>

namespace troupe::transport {

inproc_context::inproc_context() : context_(zmq_ctx_new()) {
  if (context_ == nullptr)
    throw std::runtime_error(std::string{"cannot make a ZeroMQ context: "} + zmq_strerror(zmq_errno()));
}

inproc_context::~inproc_context() { zmq_ctx_term(context_); }

} // namespace troupe::transport
