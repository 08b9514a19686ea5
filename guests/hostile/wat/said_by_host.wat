;; Has the tests' host print "hello" on its behalf.
(component
  (import "quern:test/host@0.1.0" (instance $host
    (export "say" (func (param "text" string)))))
  (core module $storage (memory (export "memory") 1) (data (i32.const 0) "hello"))
  (core instance $storage (instantiate $storage))
  (core func $say (canon lower (func $host "say") (memory (core memory $storage "memory"))))
  (core module $main
    (import "host" "say" (func $say (param i32 i32)))
    (func (export "run") (result i32) (call $say (i32.const 0) (i32.const 5)) (i32.const 0)))
  (core instance $main (instantiate $main (with "host" (instance (export "say" (func $say))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
