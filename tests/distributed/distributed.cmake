# Real processes over real sockets.
include(distributed/collect.cmake)
include(distributed/failing.cmake)
include(distributed/launcher.cmake)
include(distributed/location.cmake)
include(distributed/names.cmake)
include(distributed/foreign.cmake)
include(distributed/security.cmake)
include(distributed/scenarios.cmake)
