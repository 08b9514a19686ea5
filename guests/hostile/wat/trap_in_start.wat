;; Traps while it is being instantiated.
(module
  (memory (export "memory") 1)
  (func $initialise unreachable)
  (start $initialise)
  (func (export "_start")))
