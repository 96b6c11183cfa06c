troupe_test(unit_transport
  SOURCES
    unit/transport_codec.cpp
    unit/transport_hub.cpp
    unit/transport_session.cpp
    unit/transport_wire.cpp
  LINKS troupe_transport ZeroMQ::zmq)
target_compile_definitions(unit_transport PRIVATE
  TROUPE_WIRE_PAGE="${PROJECT_SOURCE_DIR}/docs/wire.md"
  TROUPE_LIMITS_HEADER="${PROJECT_SOURCE_DIR}/transport/limits.hpp")

# Ten thousand seeds: a while in a debug build, seconds in a release.
troupe_test(unit_transport_faults
  SOURCES unit/transport_faults.cpp
  LINKS troupe_transport ZeroMQ::zmq
  TIMEOUT 600)
