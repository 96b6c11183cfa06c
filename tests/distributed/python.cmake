# Nodes in Python, beside those of the program itself.
troupe_test(distributed_python SOURCES distributed/python_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_python PRIVATE TROUPE_PROGRAM="$<TARGET_FILE:troupe>"
  PYTHON_WORKER="${PROJECT_SOURCE_DIR}/examples/python/troupe_worker.py")
add_dependencies(distributed_python troupe)
