# Nodes that keep their traces elsewhere, and how these come into the run directory.
troupe_test(distributed_collect SOURCES distributed/collect_test.cpp LINKS troupe_cli TIMEOUT 300)
target_compile_definitions(distributed_collect PRIVATE TROUPE_PROGRAM="$<TARGET_FILE:troupe>")
add_dependencies(distributed_collect troupe)
