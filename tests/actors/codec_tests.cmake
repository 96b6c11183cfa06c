troupe_test(unit_codecs
  SOURCES
    actors/codec/codec_test.cpp
    actors/codec/codec_links_test.cpp
    actors/codec/message_test.cpp
    actors/codec/msgpack_test.cpp
    actors/codec/wire_codec_test.cpp
  LINKS troupe_actors troupe_trace)
set_source_files_properties(actors/codec/msgpack_test.cpp PROPERTIES COMPILE_DEFINITIONS MSGPACK_NO_BOOST)
