# The installed library, its headers, and what find_package() and pkg-config
# need to find it. The installed tree can be moved as a whole.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fcgi_client)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS fcgi_client EXPORT fcgi_client)
install(DIRECTORY include/ TYPE INCLUDE)

install(EXPORT fcgi_client
    NAMESPACE fcgi_client::
    FILE fcgi_client-targets.cmake
    DESTINATION ${package_dir})
write_basic_package_version_file(fcgi_client-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_LIST_DIR}/fcgi_client-config.cmake
    ${PROJECT_BINARY_DIR}/fcgi_client-config-version.cmake
    DESTINATION ${package_dir})

# Every path of fcgi-client.pc is relative to where that file stands.
cmake_path(ABSOLUTE_PATH pkgconfig_dir
    BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE pkgconfig_full)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
    BASE_DIRECTORY ${pkgconfig_full} OUTPUT_VARIABLE pc_prefix)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR
    BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE pc_libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR
    BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE pc_includedir)
configure_file(${CMAKE_CURRENT_LIST_DIR}/fcgi-client.pc.in fcgi-client.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/fcgi-client.pc DESTINATION ${pkgconfig_dir})
