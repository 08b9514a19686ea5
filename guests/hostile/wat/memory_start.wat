;; Wants 64 MiB before its first instruction.
(module
  (memory (export "memory") 1024)
  (func (export "_start")))
