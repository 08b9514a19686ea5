;; Asks for more memory than its own maximum, then for some that it may have; its exit code says what it got.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1 4)
  (func (export "_start")
    (drop (memory.grow (i32.const 10)))
    (call $exit (memory.grow (i32.const 3)))))
