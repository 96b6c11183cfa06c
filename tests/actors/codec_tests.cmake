troupe_test(unit_codecs
  SOURCES
    unit/actors_codec.cpp
    unit/actors_codec_links.cpp
    unit/actors_msgpack.cpp
  LINKS troupe_actors)
set_source_files_properties(unit/actors_msgpack.cpp PROPERTIES COMPILE_DEFINITIONS MSGPACK_NO_BOOST)
