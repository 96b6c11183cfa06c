# The process launcher, mostly with small programs in place of nodes.
add_executable(launcher_child distributed/launcher_child.cpp)
target_link_libraries(launcher_child PRIVATE troupe_cli troupe_options)
add_executable(launcher_parent distributed/launcher_parent.cpp)
target_link_libraries(launcher_parent PRIVATE troupe_cli troupe_options)
troupe_test(distributed_launcher SOURCES distributed/launcher_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_launcher PRIVATE
  LAUNCHER_CHILD="$<TARGET_FILE:launcher_child>" LAUNCHER_PARENT="$<TARGET_FILE:launcher_parent>"
  TROUPE_PROGRAM="$<TARGET_FILE:troupe>")
add_dependencies(distributed_launcher launcher_child launcher_parent troupe)

# The program itself.
troupe_test(distributed_program SOURCES distributed/program_test.cpp distributed/program_terminal_test.cpp
                     distributed/program_files_test.cpp distributed/program_metrics_test.cpp
                     distributed/program_standstill_test.cpp distributed/program_output_test.cpp distributed/program_start_test.cpp
                     distributed/program_watch_test.cpp
             LINKS troupe_cli)
add_executable(stubborn_program distributed/stubborn.cpp)
target_link_libraries(stubborn_program PRIVATE troupe_cli troupe_options)
troupe_precompiled(stubborn_program tests)
target_compile_definitions(distributed_program PRIVATE
  TROUPE_PROGRAM="$<TARGET_FILE:troupe>" STUBBORN_PROGRAM="$<TARGET_FILE:stubborn_program>"
  CONFIG_DIR="${PROJECT_SOURCE_DIR}/config")
add_dependencies(distributed_program troupe stubborn_program)

# What a program of one's own can do wrong.
add_executable(careless_program distributed/careless.cpp)
target_link_libraries(careless_program PRIVATE troupe_cli troupe_options)
troupe_precompiled(careless_program tests)
troupe_test(distributed_careless SOURCES distributed/careless_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_careless PRIVATE CARELESS_PROGRAM="$<TARGET_FILE:careless_program>")
add_dependencies(distributed_careless careless_program)

# What a stranger gets.
set(flags ${CMAKE_CXX_FLAGS})
if(TROUPE_SANITIZE)
  string(APPEND flags " -fsanitize=${TROUPE_SANITIZE}")
  if(TROUPE_SANITIZE MATCHES undefined)
    string(APPEND flags " -fno-sanitize=vptr") # CAF's headers, see cmake/troupe_build.cmake
  endif()
endif()
add_test(NAME distributed_install COMMAND ${CMAKE_COMMAND}
  -D BUILD=${PROJECT_BINARY_DIR} -D SOURCE=${PROJECT_SOURCE_DIR} -D WORK=${PROJECT_BINARY_DIR}/stranger
  -D COMPILER=${CMAKE_CXX_COMPILER} -D CONFIG=${CMAKE_BUILD_TYPE} -D FLAGS=${flags}
  -P ${CMAKE_CURRENT_SOURCE_DIR}/distributed/install_test.cmake)
