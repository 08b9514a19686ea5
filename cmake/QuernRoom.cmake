# quern_room(NAME SOURCES a.cpp ... HEADERS NAME.hpp ... [TESTS a_test.cpp ...]
#            [PUBLIC libs] [PRIVATE libs] [TEST_LIBS libs])
#
# One folder under src/ = one static library quern_NAME + one test binary NAME_test. HEADERS are
# the public ones; CMake compiles each alone. PUBLIC and PRIVATE are the arrows of ARCHITECTURE.md.
find_package(GTest REQUIRED)
include(GoogleTest)

function(quern_warnings target)
  # missing-field-initializers: g++ 12 means by it every designated initializer that leaves a field
  # to its default, which is what they are for.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
                         -Wno-missing-field-initializers)
  # restrict: g++ 12 sees overlapping copies in std::string concatenations (GCC bug 105651).
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  # deprecated-declarations: libstdc++ 12 calls what it deprecates itself (std::stable_sort), and clang
  # takes that for ours.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
endfunction()

function(quern_room name)
  cmake_parse_arguments(R "" "" "SOURCES;HEADERS;TESTS;PUBLIC;PRIVATE;TEST_LIBS" ${ARGN})
  add_library(quern_${name} STATIC ${R_SOURCES})
  target_sources(quern_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}/src
                 FILES ${R_HEADERS})
  target_link_libraries(quern_${name} PUBLIC ${R_PUBLIC} PRIVATE ${R_PRIVATE})
  quern_warnings(quern_${name})
  if(R_TESTS)
    add_executable(${name}_test ${R_TESTS})
    target_link_libraries(${name}_test PRIVATE quern_${name} ${R_TEST_LIBS} GTest::gtest_main
                          GTest::gmock)
    quern_warnings(${name}_test)
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60
                         PROPERTIES TIMEOUT 120)
  endif()
endfunction()
