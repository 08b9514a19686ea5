;; Has no memory at all, and still gives the host a pointer.
(module
  (import "test" "take_text" (func $take_text (param i32 i32)))
  (func (export "_start") (call $take_text (i32.const 0) (i32.const 1))))
