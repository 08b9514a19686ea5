# quern_component(NAME WIT folder WORLD world SOURCES a.cpp ... [INCLUDES dir ...]
#                 [WIT_PACKAGES folder ...] [ADAPTER proxy|reactor] [BINDINGS name] [DEPENDS file ...])
#
# Builds C++ sources into the component ${NAME}.wasm, an artefact of the target NAME:
#   1. wit-bindgen makes C bindings (<WORLD.h>, or <BINDINGS.h>) from WIT, WASI's WIT and WIT_PACKAGES
#   2. clang-19 compiles everything for wasm32 (no exceptions, no RTTI, no threads)
#   3. wasm-ld links a reactor: a module whose exports may be called again and again
#   4. wasm-tools makes a component of it (the adapter turns what libc wants from WASI 0.1 into
#      0.2), strips names, and validates it
# The variable ${NAME}_WASM is set to the component's path.
#
# quern_component_tools_found is FALSE where a tool is missing; see deps/setup.sh.
find_program(GUEST_CXX clang++-19)
find_program(GUEST_CC clang-19)
find_program(WIT_BINDGEN wit-bindgen HINTS ${QUERN_TOOLS}/bin NO_DEFAULT_PATH)
find_program(WASM_TOOLS wasm-tools HINTS ${QUERN_TOOLS}/bin NO_DEFAULT_PATH)
find_path(GUEST_NLOHMANN nlohmann/json.hpp REQUIRED)
find_path(GUEST_TL tl/expected.hpp REQUIRED)
quern_where(QUERN_GUEST_WIT guest-wit)
if(GUEST_CXX AND WIT_BINDGEN AND WASM_TOOLS AND EXISTS ${QUERN_GUEST_WIT})
  set(quern_component_tools_found TRUE)
else()
  set(quern_component_tools_found FALSE)
endif()

# Header-only libraries of the host that guests use too. Linked into a folder of their own: the
# rest of /usr/include speaks of another machine.
set(GUEST_LIBRARIES ${CMAKE_BINARY_DIR}/guest-include)
file(MAKE_DIRECTORY ${GUEST_LIBRARIES})
file(CREATE_LINK ${GUEST_NLOHMANN}/nlohmann ${GUEST_LIBRARIES}/nlohmann SYMBOLIC)
file(CREATE_LINK ${GUEST_TL}/tl ${GUEST_LIBRARIES}/tl SYMBOLIC)

set(GUEST_FLAGS --target=wasm32-wasi -O2 -fno-exceptions -ffunction-sections -fdata-sections
    -fvisibility=hidden -mbulk-memory -msign-ext -mnontrapping-fptoint)
set(GUEST_CXX_FLAGS -std=c++20 -fno-rtti -fno-threadsafe-statics -Wall -Wextra -Wpedantic -Wshadow
    -Wconversion -Wno-gnu-statement-expression -Werror)
# 256 KiB of stack lies first in memory: running over it traps instead of eating data.
set(GUEST_LINK_FLAGS --target=wasm32-wasi -mexec-model=reactor -O2 -Wl,--gc-sections
    -Wl,--stack-first -Wl,-z,stack-size=262144 -Wl,--no-entry)

# libc's number routines with their long double half: without it they print a complaint, for
# which they bring stdio along, and with that imports of WASI 0.1. Costs 6 KB.
set(GUEST_LIBS -lc-printscan-long-double)

# Copies WASI's WIT, the named packages and the world into one folder and makes the bindings.
function(_quern_bindings name wit world bindings packages)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/${name})
  file(GLOB wit_files ${wit}/*.wit)
  set(copies COMMAND ${CMAKE_COMMAND} -E copy ${wit_files} ${dir}/wit/
             COMMAND ${CMAKE_COMMAND} -E copy_directory ${QUERN_GUEST_WIT}/wit ${dir}/wit/deps)
  foreach(package ${packages})
    get_filename_component(base ${package} NAME)
    file(GLOB package_files ${package}/*.wit)
    list(APPEND wit_files ${package_files})
    list(APPEND copies COMMAND ${CMAKE_COMMAND} -E copy_directory ${package} ${dir}/wit/deps/${base})
  endforeach()
  add_custom_command(
    OUTPUT ${dir}/bindings/${bindings}.h ${dir}/bindings/${bindings}.c
           ${dir}/bindings/${bindings}_component_type.o
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${dir}/wit
    COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}/wit/deps
    ${copies}
    COMMAND ${WIT_BINDGEN} c ${dir}/wit --world ${world} --rename-world ${bindings}
            --out-dir ${dir}/bindings > bindings.log
    DEPENDS ${wit_files} COMMENT "bindings for ${name}" VERBATIM)
endfunction()

function(quern_component name)
  cmake_parse_arguments(C "" "WIT;WORLD;ADAPTER;BINDINGS" "SOURCES;INCLUDES;WIT_PACKAGES;DEPENDS" ${ARGN})
  if(NOT C_ADAPTER)
    set(C_ADAPTER reactor)
  endif()
  if(NOT C_BINDINGS)
    set(C_BINDINGS ${C_WORLD})
  endif()
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/${name})
  _quern_bindings(${name} ${C_WIT} ${C_WORLD} ${C_BINDINGS} "${C_WIT_PACKAGES}")

  set(includes -I${dir}/bindings -isystem ${GUEST_LIBRARIES})
  foreach(include ${C_INCLUDES})
    list(APPEND includes -I${include})
  endforeach()
  add_custom_command(OUTPUT ${dir}/bindings.o
    COMMAND ${GUEST_CC} ${GUEST_FLAGS} -c ${dir}/bindings/${C_BINDINGS}.c -o ${dir}/bindings.o
    DEPENDS ${dir}/bindings/${C_BINDINGS}.c VERBATIM)
  set(objects ${dir}/bindings.o)
  foreach(source ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/abort.cpp ${C_SOURCES})
    get_filename_component(path ${source} ABSOLUTE)
    string(MAKE_C_IDENTIFIER ${source} stem)
    set(launcher ${CMAKE_CXX_COMPILER_LAUNCHER})
    if(IS_ABSOLUTE ${source})
      get_filename_component(stem ${source} NAME_WE)
      set(launcher)  # made by the build; ccache does not see what #embed reads
    endif()
    set(object ${dir}/${stem}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${launcher} ${GUEST_CXX} ${GUEST_FLAGS} ${GUEST_CXX_FLAGS} ${includes} -MD -MF ${object}.d
              -c ${path} -o ${object}
      DEPENDS ${path} ${dir}/bindings/${C_BINDINGS}.h ${C_DEPENDS}
      DEPFILE ${object}.d COMMENT "wasm: ${source}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()

  set(wasm ${CMAKE_CURRENT_BINARY_DIR}/${name}.wasm)
  add_custom_command(OUTPUT ${wasm}
    COMMAND ${GUEST_CXX} ${GUEST_LINK_FLAGS} ${objects}
            ${dir}/bindings/${C_BINDINGS}_component_type.o ${GUEST_LIBS} -o ${dir}/module.wasm
    COMMAND ${WASM_TOOLS} component new ${dir}/module.wasm -o ${dir}/component.wasm --adapt
            wasi_snapshot_preview1=${QUERN_GUEST_WIT}/adapters/wasi_snapshot_preview1.${C_ADAPTER}.wasm
    COMMAND ${WASM_TOOLS} strip --all ${dir}/component.wasm -o ${wasm}.part
    COMMAND ${WASM_TOOLS} validate --features component-model ${wasm}.part
    COMMAND ${CMAKE_COMMAND} -E rename ${wasm}.part ${wasm}
    DEPENDS ${objects} ${dir}/bindings/${C_BINDINGS}_component_type.o
    COMMENT "component: ${name}.wasm" VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${wasm})
  set(${name}_WASM ${wasm} PARENT_SCOPE)
endfunction()
