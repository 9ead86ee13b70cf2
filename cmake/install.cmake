# Install rules, config package and pkg-config file. For a project that takes Cornu in with
# add_subdirectory or FetchContent they are off.
option(CORNU_INSTALL "Make install rules" ${PROJECT_IS_TOP_LEVEL})
if(NOT CORNU_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)

# Installed are the headers that `header` reaches, itself included: those a user sees, those they
# need, and no others. scripts/check_includes.py holds the program and the examples to the same.
function(cornu_public_headers out header)
  set(found)
  set(left ${header})
  while(left)
    list(POP_FRONT left next)
    list(APPEND found ${next})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${next})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${next} lines REGEX "^#include \"cornu/")
    foreach(line ${lines})
      string(REGEX REPLACE "^#include \"([^\"]*)\".*" "\\1" included "${line}")
      if(NOT included IN_LIST found AND NOT included IN_LIST left)
        list(APPEND left ${included})
      endif()
    endforeach()
  endwhile()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

set(umbrella cornu/cornu.h)
if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${umbrella})
  set(umbrella cornu/tensor/tensor.h)
endif()
cornu_public_headers(headers ${umbrella})
target_sources(cornu PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
install(TARGETS cornu EXPORT cornu-targets FILE_SET HEADERS)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cornu)
install(EXPORT cornu-targets NAMESPACE cornu:: DESTINATION ${package_dir})
if(TARGET cornu_image)
  cornu_public_headers(image_headers cornu/image/image.h)
  list(REMOVE_ITEM image_headers ${headers})
  target_sources(cornu_image PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}
                                    FILES ${image_headers})
  install(TARGETS cornu_image EXPORT cornu-image-targets FILE_SET HEADERS)
  install(EXPORT cornu-image-targets NAMESPACE cornu:: DESTINATION ${package_dir})
endif()

# A static library leaves its own dependencies to whoever links it.
get_target_property(type cornu TYPE)
string(COMPARE EQUAL "${type}" STATIC_LIBRARY CORNU_IS_STATIC)
configure_package_config_file(cmake/cornuConfig.cmake.in cornuConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(cornuConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cornuConfig.cmake ${PROJECT_BINARY_DIR}/cornuConfigVersion.cmake
        DESTINATION ${package_dir})

# The prefix is where the file lies, whatever `cmake --install --prefix` says.
file(RELATIVE_PATH CORNU_PC_UP ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
set(CORNU_PC_NEEDS zlib)
if(CORNU_KERNELS)
  string(APPEND CORNU_PC_NEEDS " libhwy")
endif()
if(CORNU_IS_STATIC)
  set(CORNU_PC_THREADS " -pthread")
else()
  set(CORNU_PC_PRIVATE ".private")
endif()
configure_file(cornu.pc.in cornu.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cornu.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
