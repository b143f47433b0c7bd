# Sanitizer builds read the headers that most files include once, not five hundred times: half of what such a build
# takes. Not CMake's own precompiled headers: their absolute paths would keep a clone in another folder from hitting
# ccache. Ninja runs the compiler in the build folder, so a relative name will do.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  return()
endif()
find_package(GTest REQUIRED)
set(header ${CMAKE_CURRENT_LIST_DIR}/precompiled.hpp)
set(made CMakeFiles/relay_precompiled.dir/tests/support/precompiled.hpp.o)

add_library(relay_precompiled OBJECT ${header})
set_source_files_properties(${header} PROPERTIES LANGUAGE CXX)
set_target_properties(relay_precompiled PROPERTIES CXX_COMPILER_LAUNCHER "")
target_compile_options(relay_precompiled PRIVATE -x c++-header)
target_link_libraries(relay_precompiled PRIVATE relay_flags Boost::json spdlog::spdlog fmt::fmt GTest::gtest GTest::gmock)
# Objects of an object library aren't waited for by what only depends on it; a target's of its own are.
add_custom_target(precompiled DEPENDS $<TARGET_OBJECTS:relay_precompiled>)
target_compile_options(relay_flags INTERFACE
  "$<$<NOT:$<STREQUAL:$<TARGET_PROPERTY:NAME>,relay_precompiled>>:SHELL:-include-pch ${made}>")

# ccache asks this file whether the header changed: what comes of it has times and paths in it.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -E -P ${header}
  OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(SHA256 sum "${text}")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${made}.sum CONTENT "${sum}")
