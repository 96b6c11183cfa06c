# The process launcher, with small programs in place of nodes.
add_executable(launcher_child distributed/launcher_child.cpp)
target_link_libraries(launcher_child PRIVATE troupe_cli troupe_options)
add_executable(launcher_parent distributed/launcher_parent.cpp)
target_link_libraries(launcher_parent PRIVATE troupe_cli troupe_options)
troupe_test(distributed_launcher SOURCES distributed/launcher_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_launcher PRIVATE
  LAUNCHER_CHILD="$<TARGET_FILE:launcher_child>" LAUNCHER_PARENT="$<TARGET_FILE:launcher_parent>")
add_dependencies(distributed_launcher launcher_child launcher_parent)
