# Nodes in Python, beside those of the program itself.
troupe_test(distributed_python SOURCES distributed/python_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_python PRIVATE TROUPE_PROGRAM="$<TARGET_FILE:troupe>"
  PYTHON_WORKER="${PROJECT_SOURCE_DIR}/examples/python/troupe_worker.py")
add_dependencies(distributed_python troupe)

# And in JavaScript.
troupe_test(distributed_javascript SOURCES distributed/javascript_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_javascript PRIVATE TROUPE_PROGRAM="$<TARGET_FILE:troupe>"
  JAVASCRIPT_FOLDER="${PROJECT_SOURCE_DIR}/examples/node"
  SESSION_TEST="${CMAKE_CURRENT_SOURCE_DIR}/distributed/session_test.mjs")
add_dependencies(distributed_javascript troupe)
