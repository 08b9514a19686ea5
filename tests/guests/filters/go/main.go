// A filter of log records as people write them in Go for Fluent Bit: a WASI reactor with an allocator
// of its own for the host.
package main

import (
	"encoding/json"
	"unsafe"
)

// Blocks that the host holds: the collector must not take them.
var held = map[unsafe.Pointer][]byte{}
var returned []byte

//go:wasmexport malloc
func malloc(size uint32) unsafe.Pointer {
	block := make([]byte, size+1)
	at := unsafe.Pointer(&block[0])
	held[at] = block
	return at
}

//go:wasmexport free
func free(at unsafe.Pointer) {
	delete(held, at)
}

//go:wasmexport go_add
func add(tag unsafe.Pointer, tagSize uint32, seconds uint32, nanoseconds uint32, record unsafe.Pointer, size uint32) unsafe.Pointer {
	var fields map[string]any
	if json.Unmarshal(unsafe.Slice((*byte)(record), size), &fields) != nil {
		return nil
	}
	fields["from"] = string(unsafe.Slice((*byte)(tag), tagSize))
	made, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	returned = append(made, 0)
	return unsafe.Pointer(&returned[0])
}

//go:wasmexport go_pass
func pass(_ unsafe.Pointer, _ uint32, _ uint32, _ uint32, record unsafe.Pointer, _ uint32) unsafe.Pointer {
	return record
}

func main() {}
