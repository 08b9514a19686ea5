;; Never ends and never calls: only the CPU limit stops it.
(module
  (memory (export "memory") 1)
  (func $spin (loop $again (br $again)))
  (func (export "_start") (call $spin)))
