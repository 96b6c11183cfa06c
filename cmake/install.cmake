# What `cmake --install` gives: the program, the libraries, the headers under troupe/,
# and a CMake package, so that a stranger's project says
#   find_package(troupe REQUIRED)
#   target_link_libraries(mine PRIVATE troupe::troupe)

include(CMakePackageConfigHelpers)

set(troupe_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)

# All rooms at once, for those who do not care which is which.
add_library(troupe_all INTERFACE)
add_library(troupe::troupe ALIAS troupe_all)
set_target_properties(troupe_all PROPERTIES EXPORT_NAME troupe)
target_link_libraries(troupe_all INTERFACE troupe_cli)

get_property(folders GLOBAL PROPERTY troupe_folders)
list(TRANSFORM folders REPLACE / _)
list(TRANSFORM folders PREPEND troupe_)
install(TARGETS ${folders} troupe_trace troupe_transport troupe_actors troupe_runner troupe_all
  EXPORT troupe_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS troupe RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT troupe_targets NAMESPACE troupe:: DESTINATION ${troupe_package_dir})

foreach(room base trace transport actors runner scenarios cli)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${room} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/troupe
    FILES_MATCHING PATTERN "*.hpp")
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/troupeConfig.cmake.in
  ${PROJECT_BINARY_DIR}/troupeConfig.cmake INSTALL_DESTINATION ${troupe_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/troupeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/troupeConfig.cmake ${PROJECT_BINARY_DIR}/troupeConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindCAF.cmake ${CMAKE_CURRENT_LIST_DIR}/FindZeroMQ.cmake
  DESTINATION ${troupe_package_dir})
