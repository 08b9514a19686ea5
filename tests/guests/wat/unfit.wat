;; Imports Spin's `infer` with other types than it has.
(component
  (import "fermyon:spin/llm@2.0.0" (instance $llm (export "infer" (func (result u32)))))
  (core func $infer (canon lower (func $llm "infer")))
  (core module $main
    (import "host" "infer" (func $infer (result i32)))
    (func (export "run") (result i32) (drop (call $infer)) (i32.const 0)))
  (core instance $main (instantiate $main (with "host" (instance (export "infer" (func $infer))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
