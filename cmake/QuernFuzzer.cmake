# quern_fuzzer(NAME SOURCE LIBS...): one libFuzzer program NAME_fuzz in the preset `fuzz`, nothing in
# the others. `make fuzz` runs each that is built; its seeds are tests/fuzz/NAME.
if(QUERN_FUZZ)
  add_custom_target(fuzzers)
endif()

function(quern_fuzzer name source)
  if(NOT QUERN_FUZZ)
    return()
  endif()
  add_executable(${name}_fuzz ${source})
  target_link_libraries(${name}_fuzz PRIVATE ${ARGN})
  target_link_options(${name}_fuzz PRIVATE -fsanitize=address,undefined,fuzzer)
  set_target_properties(${name}_fuzz PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzzers)
  quern_warnings(${name}_fuzz)
  add_dependencies(fuzzers ${name}_fuzz)
endfunction()
