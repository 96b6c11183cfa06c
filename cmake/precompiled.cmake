# Headers of libraries that most sources of a room include, parsed once for all of them: about a
# quarter of the time to build. Headers of the project are never among them, and every source
# includes what it uses itself, as scripts/check_style.sh --tidy sees, which compiles each alone.

option(TROUPE_PRECOMPILE "Parse the libraries' headers once" OFF)

# troupe_headers(NAME HEADERS ... LINKS ... [EXECUTABLES]) declares a set of headers, for rooms
# or (their code is made for another position) for programs.
function(troupe_headers name)
  cmake_parse_arguments(SET "EXECUTABLES" "" "HEADERS;LINKS" ${ARGN})
  if(NOT TROUPE_PRECOMPILE)
    return()
  endif()
  set(nothing ${PROJECT_BINARY_DIR}/precompiled/${name}.cpp)
  file(CONFIGURE OUTPUT ${nothing} CONTENT "")
  add_library(troupe_headers_${name} OBJECT ${nothing})
  if(SET_EXECUTABLES)
    set_target_properties(troupe_headers_${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(troupe_headers_${name} PRIVATE -fPIE)
  endif()
  target_compile_features(troupe_headers_${name} PUBLIC cxx_std_20)
  target_link_libraries(troupe_headers_${name} PRIVATE ${SET_LINKS} troupe_options)
  list(TRANSFORM SET_HEADERS REPLACE "(.+)" "<\\1>")
  target_precompile_headers(troupe_headers_${name} PRIVATE ${SET_HEADERS})
endfunction()

# Gives a target such a set.
function(troupe_precompiled target name)
  if(TROUPE_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM troupe_headers_${name})
  endif()
endfunction()
