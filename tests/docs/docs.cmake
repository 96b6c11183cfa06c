# The programs that the documentation shows, built and run as they stand there.

# They include what an installed troupe has, by its names there.
set(documented_includes ${CMAKE_CURRENT_BINARY_DIR}/docs/include)
file(MAKE_DIRECTORY ${documented_includes})
file(CREATE_LINK ${PROJECT_SOURCE_DIR} ${documented_includes}/troupe SYMBOLIC)

# troupe_documented(NAME PAGE): the first whole program of docs/PAGE must build, and pass
# tests/docs/NAME.toml in one process and in two.
function(troupe_documented name page)
  set(page ${PROJECT_SOURCE_DIR}/docs/${page})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
  file(READ ${page} text)
  if(NOT text MATCHES "```cpp\n(#include [^`]*)```")
    message(FATAL_ERROR "${page} shows no program that begins with #include")
  endif()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/docs/${name}.cpp)
  set(before "")
  if(EXISTS ${source})
    file(READ ${source} before)
  endif()
  if(NOT before STREQUAL CMAKE_MATCH_1)
    file(WRITE ${source} "${CMAKE_MATCH_1}")
  endif()
  add_executable(documented_${name} ${source})
  target_include_directories(documented_${name} PRIVATE ${documented_includes})
  target_link_libraries(documented_${name} PRIVATE troupe_cli)
  troupe_precompiled(documented_${name} tests)
  foreach(nodes 0 2)
    add_test(NAME documented_${name}_${nodes}
      COMMAND documented_${name} run ${CMAKE_CURRENT_SOURCE_DIR}/docs/${name}.toml --nodes ${nodes}
              --out ${CMAKE_CURRENT_BINARY_DIR}/docs/runs)
  endforeach()
endfunction()

troupe_documented(collatz scenarios/worker_pool.md)
troupe_documented(gcd scenarios/reduction.md)

# What the scripts and the pages say of the tree.
find_program(TROUPE_PYTHON python3 REQUIRED)
foreach(what architecture classes rooms packages progress)
  add_test(NAME ${what} COMMAND ${TROUPE_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/docs/${what}_test.py)
endforeach()
add_test(NAME contributing COMMAND ${TROUPE_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/docs/contributing_test.py
  ${PROJECT_BINARY_DIR} ${CMAKE_CXX_COMPILER})
