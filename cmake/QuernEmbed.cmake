# quern_embed(TARGET SYMBOL FILE): puts FILE into TARGET as bytes.
#
#   quern_embed(quern chat_wasm ${guest})      in CMake
#   extern "C" const std::byte quern_embed_chat_wasm_begin[], quern_embed_chat_wasm_end[];
#
# The assembler copies the file (.incbin), so that megabytes cost no compile time. The object is
# made again when FILE changes; FILE may be the output of another target.
function(quern_embed target symbol file)
  set(assembly ${CMAKE_CURRENT_BINARY_DIR}/embed_${symbol}.S)
  file(CONFIGURE OUTPUT ${assembly} @ONLY CONTENT [[
    .section .rodata
    .balign 64
    .global quern_embed_@symbol@_begin
quern_embed_@symbol@_begin:
    .incbin "@file@"
    .global quern_embed_@symbol@_end
quern_embed_@symbol@_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
]])
  set_source_files_properties(${assembly} PROPERTIES OBJECT_DEPENDS ${file} LANGUAGE ASM)
  target_sources(${target} PRIVATE ${assembly})
endfunction()
enable_language(ASM)
