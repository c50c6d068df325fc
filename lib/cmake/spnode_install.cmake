# Install rules and the CMake package: find_package(spnode) gives spnode::core ... spnode::spectral.
# Headers keep their names: #include "core/vector_field/model.hpp" in here and in a program that uses the library.
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY SPNODE_LAYERS)
foreach(layer IN LISTS layers)
  install(TARGETS spnode_${layer} EXPORT spnodeTargets)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/lib/${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/spnode
    FILES_MATCHING PATTERN *.hpp)
endforeach()
# Headers hold inline functions on vector types: a program must be compiled for the processor of the library.
target_compile_options(spnode_core INTERFACE "$<INSTALL_INTERFACE:${spnode_arch_options}>")

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/spnode)
install(EXPORT spnodeTargets NAMESPACE spnode:: DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/spnodeConfig.cmake.in
  ${PROJECT_BINARY_DIR}/spnodeConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/spnodeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/spnodeConfig.cmake
  ${PROJECT_BINARY_DIR}/spnodeConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/spnode_dependencies.cmake
  DESTINATION ${package_folder})
