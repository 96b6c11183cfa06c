# Installs into an empty prefix, builds the stranger's project of examples/hello with
# find_package(troupe) alone, and runs it over two processes.
#   cmake -D BUILD=... -D SOURCE=... -D WORK=... -D FLAGS=... -D CONFIG=... -P install_test.cmake

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK}
    RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}: ${code}\n${output}\n${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
file(COPY ${SOURCE}/examples/hello DESTINATION ${WORK})

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
foreach(file bin/troupe include/troupe/cli/program.hpp include/troupe/runner/api/scenario.hpp)
  if(NOT EXISTS ${WORK}/prefix/${file})
    message(FATAL_ERROR "${file} was not installed")
  endif()
endforeach()

run(${CMAKE_COMMAND} -S hello -B build -G Ninja -DCMAKE_PREFIX_PATH=${WORK}/prefix
  -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE=${CONFIG} "-DCMAKE_CXX_FLAGS=${FLAGS}")
run(${CMAKE_COMMAND} --build build)

foreach(nodes 0 2)
  run(${WORK}/build/hello run hello/hello.toml --nodes ${nodes} --json)
  string(JSON verdict GET "${output}" verdict)
  string(JSON heard LENGTH "${output}" result heard)
  if(NOT verdict STREQUAL "passed" OR NOT heard EQUAL 3)
    message(FATAL_ERROR "with ${nodes} worker nodes: ${output}")
  endif()
  string(JSON first GET "${output}" result heard 0)
  if(nodes EQUAL 2 AND NOT first MATCHES "from w[12]!")
    message(FATAL_ERROR "nobody greeted from a worker node: ${output}")
  endif()
endforeach()
run(${WORK}/build/hello trace show --type greet)
if(NOT output MATCHES "greet")
  message(FATAL_ERROR "the trace does not show the greetings: ${output}")
endif()
run(${WORK}/build/hello list hello)
if(NOT output MATCHES "guests")
  message(FATAL_ERROR "list does not know the parameter: ${output}")
endif()
