troupe_fuzz(payload_binary SOURCES fuzz_payload_binary.cpp LINKS troupe_actors)
troupe_fuzz(payload_msgpack SOURCES fuzz_payload_msgpack.cpp LINKS troupe_actors)
foreach(codec binary msgpack)
  target_include_directories(${fuzz_prefix}payload_${codec} PRIVATE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
  if(NOT TROUPE_FUZZ)
    troupe_precompiled(replay_payload_${codec} tests)
  endif()
endforeach()
