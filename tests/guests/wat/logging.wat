;; A command that logs one line to each of its streams through wasi:logging, as components import it.
(component
  (import "wasi:logging/logging" (instance $logging
    (type $cases (enum "trace" "debug" "info" "warn" "error" "critical"))
    (export "level" (type $level (eq $cases)))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))))
  (core module $storage (memory (export "memory") 1)
    (data (i32.const 0) "stderr") (data (i32.const 16) "it began") (data (i32.const 32) "it ended"))
  (core instance $storage (instantiate $storage))
  (core func $log
    (canon lower (func $logging "log") (memory (core memory $storage "memory"))))
  (core module $main
    (import "host" "log" (func $log (param i32 i32 i32 i32 i32)))
    (func (export "run") (result i32)
      (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 8))
      (call $log (i32.const 4) (i32.const 0) (i32.const 6) (i32.const 32) (i32.const 8))
      (i32.const 0)))
  (core instance $main (instantiate $main (with "host" (instance (export "log" (func $log))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
