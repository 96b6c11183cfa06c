# Finds libzmq, for which Debian ships pkg-config data only.
# Defines the imported target ZeroMQ::zmq, and ZeroMQ_FOUND, ZeroMQ_VERSION.

find_path(ZeroMQ_INCLUDE_DIR zmq.h)
find_library(ZeroMQ_LIBRARY zmq)

if(ZeroMQ_INCLUDE_DIR)
  file(STRINGS ${ZeroMQ_INCLUDE_DIR}/zmq.h _zmq_version REGEX "define ZMQ_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]*([0-9]+)" "\\1" _zmq_version "${_zmq_version}")
  string(REPLACE ";" "." ZeroMQ_VERSION "${_zmq_version}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ZeroMQ
  REQUIRED_VARS ZeroMQ_LIBRARY ZeroMQ_INCLUDE_DIR VERSION_VAR ZeroMQ_VERSION)

if(ZeroMQ_FOUND AND NOT TARGET ZeroMQ::zmq)
  add_library(ZeroMQ::zmq UNKNOWN IMPORTED)
  set_target_properties(ZeroMQ::zmq PROPERTIES
    IMPORTED_LOCATION ${ZeroMQ_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${ZeroMQ_INCLUDE_DIR})
endif()
