# Runs over tcp, and who tries to get into them.
troupe_test(distributed_security SOURCES distributed/security_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_security PRIVATE TROUPE_PROGRAM="$<TARGET_FILE:troupe>")
target_link_libraries(distributed_security PRIVATE ZeroMQ::zmq)
add_dependencies(distributed_security troupe)
