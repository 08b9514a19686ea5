# What deps/ fetched and built lies outside the clone, under QUERN_CACHE, keyed by version and flags.
# `deps/where NAME` prints the place of a part.
function(quern_where variable name)
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/deps/where ${name} OUTPUT_VARIABLE path
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(${variable} ${path} PARENT_SCOPE)
endfunction()

# llama.cpp: libllama and llama-common static, ggml and its CPU back-ends shared.
quern_where(LLAMA_PREFIX llama)
quern_where(LLAMA_SRC llama-source)
if(EXISTS ${LLAMA_PREFIX}/lib/libllama.a)
  add_library(llama INTERFACE)
  target_include_directories(llama SYSTEM INTERFACE ${LLAMA_SRC}/include ${LLAMA_SRC}/ggml/include
                             ${LLAMA_SRC}/common ${LLAMA_SRC}/vendor)
  target_link_libraries(llama INTERFACE
    ${LLAMA_PREFIX}/lib/libllama-common.a ${LLAMA_PREFIX}/lib/libllama-common-base.a
    ${LLAMA_PREFIX}/lib/libcpp-httplib.a ${LLAMA_PREFIX}/lib/libllama.a
    ${LLAMA_PREFIX}/lib/libggml.so ${LLAMA_PREFIX}/lib/libggml-base.so pthread dl)
endif()

# ONNX Runtime's C header; the library is loaded when it is needed, and never linked.
quern_where(ONNXRUNTIME_HEADERS onnxruntime-headers)
if(EXISTS ${ONNXRUNTIME_HEADERS}/onnxruntime_c_api.h)
  add_library(onnxruntime_headers INTERFACE)
  target_include_directories(onnxruntime_headers SYSTEM INTERFACE ${ONNXRUNTIME_HEADERS})
endif()

# OpenVINO's C headers, likewise.
quern_where(OPENVINO_HEADERS openvino-headers)
if(EXISTS ${OPENVINO_HEADERS}/openvino/c/openvino.h)
  add_library(openvino_headers INTERFACE)
  target_include_directories(openvino_headers SYSTEM INTERFACE ${OPENVINO_HEADERS})
endif()

# A release unpacks with a zlib of its own.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  find_library(ZLIB_STATIC libz.a REQUIRED)
  set(QUERN_ZLIB ${ZLIB_STATIC})
else()
  find_package(ZLIB REQUIRED)
  set(QUERN_ZLIB ZLIB::ZLIB)
endif()

# And searches with an RE2 of its own.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  find_library(RE2_STATIC libre2.a REQUIRED)
  set(QUERN_RE2 ${RE2_STATIC})
else()
  find_library(QUERN_RE2 re2 REQUIRED)
endif()

# The Rust bridge's dependencies are compiled into a target directory of the cache.
quern_where(BRIDGE_TARGET bridge-target)
quern_where(QUERN_TOOLS tools)
quern_where(QUERN_MODELS models)
quern_where(QUERN_ONNX onnx)
quern_where(QUERN_OPENVINO openvino)
