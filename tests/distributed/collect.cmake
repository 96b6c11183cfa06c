# Nodes that keep their traces elsewhere, and how these come into the run directory.
troupe_test(distributed_collect SOURCES distributed/collect_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_collect PRIVATE TROUPE_PROGRAM="$<TARGET_FILE:troupe>")
add_dependencies(distributed_collect troupe)

# Two hosts on one machine; skipped where the system allows no namespaces.
add_test(NAME distributed_two_hosts
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/distributed/two_hosts.sh $<TARGET_FILE:troupe>)
set_tests_properties(distributed_two_hosts PROPERTIES SKIP_RETURN_CODE 77)
