;; Pointer and length whose sum wraps around 32 bits.
(module
  (import "test" "take_text" (func $take_text (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $take_text (i32.const 16) (i32.const -8))))
