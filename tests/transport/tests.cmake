troupe_test(unit_transport
  SOURCES
    unit/transport_codec.cpp
    unit/transport_delivery.cpp
    unit/transport_hub.cpp
    unit/transport_line_connection.cpp
    unit/transport_link.cpp
    unit/transport_session.cpp
    unit/transport_stream_server.cpp
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

# Real processes, proxies, keys.
add_executable(transport_child unit/transport_child.cpp)
target_link_libraries(transport_child PRIVATE troupe_transport troupe_options)
troupe_test(unit_transport_sockets
  SOURCES
    unit/transport_security.cpp
    unit/transport_sockets.cpp
  LINKS troupe_transport ZeroMQ::zmq)
add_dependencies(unit_transport_sockets transport_child)
target_compile_definitions(unit_transport_sockets PRIVATE
  TROUPE_TRANSPORT_CHILD="$<TARGET_FILE:transport_child>")
