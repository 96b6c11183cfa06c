troupe_test(unit_transport
  SOURCES
    transport/frames/codec_test.cpp
    transport/trace_upload/upload_test.cpp
    transport/hub/hub_test.cpp
    transport/lines/line_connection_test.cpp
    transport/session/link_test.cpp
    transport/session/link_table_test.cpp
    transport/session/session_test.cpp
    transport/lines/stream_server_test.cpp
    transport/session/switchboard_test.cpp
    transport/session/wire_test.cpp
    transport/zmq/zmq_socket_test.cpp
  LINKS troupe_transport ZeroMQ::zmq)
target_compile_definitions(unit_transport PRIVATE
  TROUPE_WIRE_PAGE="${PROJECT_SOURCE_DIR}/docs/wire.md"
  TROUPE_LIMITS_HEADER="${PROJECT_SOURCE_DIR}/transport/frames/limits.hpp")

# Ten thousand seeds: a while in a debug build, seconds in a release.
troupe_test(unit_transport_faults
  SOURCES transport/testing/faults_test.cpp
  LINKS troupe_transport ZeroMQ::zmq)

# Real processes, proxies, keys.
add_executable(transport_child transport/hub/child.cpp)
target_link_libraries(transport_child PRIVATE troupe_transport troupe_options)
troupe_test(unit_transport_sockets
  SOURCES
    transport/hub/security_test.cpp
    transport/hub/sockets_test.cpp
  LINKS troupe_transport ZeroMQ::zmq)
add_dependencies(unit_transport_sockets transport_child)
target_compile_definitions(unit_transport_sockets PRIVATE
  TROUPE_TRANSPORT_CHILD="$<TARGET_FILE:transport_child>")
