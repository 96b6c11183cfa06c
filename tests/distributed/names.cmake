# Who takes part in a run under which name, and whose books count.
troupe_test(distributed_names SOURCES distributed/names_test.cpp LINKS troupe_cli)
target_compile_definitions(distributed_names PRIVATE TROUPE_PROGRAM="$<TARGET_FILE:troupe>")
add_dependencies(distributed_names troupe)

# A moment of scripts/hostile.sh: one run and one echo server that are attacked; skipped without python3-zmq.
add_test(NAME distributed_hostile
  COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/campaign/hostile.py $<TARGET_FILE:troupe> --rounds 2 --seed 7)
set_tests_properties(distributed_hostile PROPERTIES SKIP_RETURN_CODE 77)
