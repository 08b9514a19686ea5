;; Imports a function of the socket extension in a form that nobody ever made.
(module
  (import "wasi_snapshot_preview1" "sock_open" (func (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func (param i32 i64) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")))
