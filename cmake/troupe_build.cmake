# What every target of this project is built with.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(TROUPE_CCACHE ccache)
if(TROUPE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What it wants said to where headers are precompiled: no source here uses __TIME__.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${TROUPE_CCACHE})
endif()

add_library(troupe_options INTERFACE)
target_compile_options(troupe_options INTERFACE -Wall -Wextra -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # "literal" + std::string is a false alarm of GCC 12 when optimising (its bug 105651).
  target_compile_options(troupe_options INTERFACE -Wno-restrict)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # Warns of what hides its fields' types in its source, which is a header then as far as it can see.
  target_compile_options(troupe_options INTERFACE -Wno-subobject-linkage)
endif()
find_program(TROUPE_LLD ld.lld)
if(TROUPE_LLD AND CMAKE_BUILD_TYPE STREQUAL Debug)
  target_link_options(troupe_options INTERFACE -fuse-ld=lld) # in a fraction of the time, of forty programs
endif()
if(TROUPE_SANITIZE)
  # CAF's own headers cast the sentinel of an intrusive queue to its elements' type, which
  # the vptr check takes for a mistake, and dereference an empty shared_ptr to a tuple of
  # nothing; cmake/ubsan.supp names the latter, which works for recoverable checks only.
  target_compile_options(troupe_options INTERFACE
    -fsanitize=${TROUPE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(TROUPE_SANITIZE MATCHES undefined)
    target_compile_options(troupe_options INTERFACE -fsanitize-recover=null -fno-sanitize=vptr)
  endif()
  if(TROUPE_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # It does not model fences, and says so. Ours stand between atomics only, which never race.
    target_compile_options(troupe_options INTERFACE -Wno-tsan)
  endif()
  target_link_options(troupe_options INTERFACE -fsanitize=${TROUPE_SANITIZE})
endif()
include(precompiled)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13 AND TROUPE_PRECOMPILE
    AND NOT CMAKE_BUILD_TYPE STREQUAL Debug)
  # False alarms of GCC 12 when optimising: what it takes from a precompiled header is no system header's to
  # it any more, and it finds parts of std::string writing out of bounds.
  target_compile_options(troupe_options INTERFACE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow
    -Wno-stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND TROUPE_PRECOMPILE)
  # Else ccache never finds what was compiled with them.
  target_compile_options(troupe_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()
