;; Imports `measure` of the tests' host without the text that it reads there.
(component
  (import "quern:test/host@0.1.0" (instance $host (export "measure" (func (result u32)))))
  (core func $measure (canon lower (func $host "measure")))
  (core module $main
    (import "host" "measure" (func $measure (result i32)))
    (func (export "run") (result i32) (drop (call $measure)) (i32.const 0)))
  (core instance $main
    (instantiate $main (with "host" (instance (export "measure" (func $measure))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
