;; Asks the host for a number that comes later, and writes it through the host's pointer.
(module
  (import "test" "later" (func $later (param i32) (result i32)))
  (import "test" "sum" (func $sum (param i32 i64 f32 f64) (result f64)))
  (memory (export "memory") 1)
  (func (export "ask") (param i32) (result i32) (call $later (local.get 0)))
  (func (export "sum") (param i32 i64 f32 f64) (result f64)
    (call $sum (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "peek") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "ask_and_peek") (param i32) (result i32)
    (drop (call $later (i32.const 0)))
    (i32.load (local.get 0))))
