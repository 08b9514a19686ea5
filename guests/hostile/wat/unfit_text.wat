;; Imports `measure` of the tests' host with bytes in place of its text, and hands over some that are
;; no UTF-8.
(component
  (import "quern:test/host@0.1.0" (instance $host
    (export "measure" (func (param "text" (list u8)) (result u32)))))
  (core module $storage (memory (export "memory") 1) (data (i32.const 0) "ab\ed\a0\80"))
  (core instance $storage (instantiate $storage))
  (core func $measure (canon lower (func $host "measure") (memory (core memory $storage "memory"))))
  (core module $main
    (import "host" "measure" (func $measure (param i32 i32) (result i32)))
    (func (export "run") (result i32)
      (drop (call $measure (i32.const 0) (i32.const 5))) (i32.const 0)))
  (core instance $main
    (instantiate $main (with "host" (instance (export "measure" (func $measure))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
