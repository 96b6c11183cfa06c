add_executable(location_child distributed/location_child.cpp)
target_link_libraries(location_child PRIVATE troupe_actors troupe_options)
target_include_directories(location_child PRIVATE ${PROJECT_SOURCE_DIR})
troupe_precompiled(location_child tests)
troupe_test(distributed_location SOURCES distributed/location_test.cpp distributed/location_three_test.cpp
             LINKS troupe_actors)
target_compile_definitions(distributed_location PRIVATE LOCATION_CHILD="$<TARGET_FILE:location_child>")
add_dependencies(distributed_location location_child)

# A process's peak of memory is never taken back: this one's children are its own.
troupe_test(distributed_flood SOURCES distributed/flood_test.cpp LINKS troupe_actors)
target_compile_definitions(distributed_flood PRIVATE LOCATION_CHILD="$<TARGET_FILE:location_child>")
add_dependencies(distributed_flood location_child)
