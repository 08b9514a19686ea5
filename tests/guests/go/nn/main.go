// nn MODEL OPTIONS PROMPT: WASI-NN as WasmEdge has it, called from Go: the whole answer at once. Prints it,
// then the counts as JSON on standard error.
package main

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

//go:wasmimport wasi_ephemeral_nn load_by_name_with_config
func loadByNameWithConfig(name unsafe.Pointer, nameSize uint32, config unsafe.Pointer, configSize uint32, graph unsafe.Pointer) uint32

//go:wasmimport wasi_ephemeral_nn init_execution_context
func initExecutionContext(graph uint32, context unsafe.Pointer) uint32

//go:wasmimport wasi_ephemeral_nn set_input
func setInput(context uint32, index uint32, tensor unsafe.Pointer) uint32

//go:wasmimport wasi_ephemeral_nn compute
func compute(context uint32) uint32

//go:wasmimport wasi_ephemeral_nn get_output
func getOutput(context uint32, index uint32, out unsafe.Pointer, room uint32, size unsafe.Pointer) uint32

const (
	u8       = 3
	tooLarge = 7
)

// tensor lies in memory as the host reads it: five 32-bit words.
type tensor struct {
	shape, dimensions, kind, data, size uint32
}

func must(code uint32, what string) {
	if code != 0 {
		fmt.Fprintf(os.Stderr, "%s: error %d\n", what, code)
		os.Exit(1)
	}
}

func pointer(bytes []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(bytes)) }

// output asks with a byte too little first where there is more than one.
func output(context, index uint32) []byte {
	var size uint32
	out := make([]byte, 1<<16)
	must(getOutput(context, index, pointer(out), uint32(len(out)), unsafe.Pointer(&size)), "get_output")
	if size > 1 {
		if code := getOutput(context, index, pointer(out), size-1, unsafe.Pointer(&size)); code != tooLarge {
			fmt.Fprintf(os.Stderr, "a buffer that is too small is %d, not too large\n", code)
			os.Exit(1)
		}
	}
	must(getOutput(context, index, pointer(out), uint32(len(out)), unsafe.Pointer(&size)), "get_output")
	return out[:size]
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "nn MODEL OPTIONS PROMPT")
		os.Exit(2)
	}
	name, config, prompt := []byte(os.Args[1]), []byte(os.Args[2]), []byte(os.Args[3])
	var graph, context uint32
	must(loadByNameWithConfig(pointer(name), uint32(len(name)), pointer(config), uint32(len(config)), unsafe.Pointer(&graph)), "load_by_name_with_config")
	must(initExecutionContext(graph, unsafe.Pointer(&context)), "init_execution_context")
	shape := []uint32{1}
	input := tensor{uint32(uintptr(unsafe.Pointer(&shape[0]))), 1, u8, uint32(uintptr(pointer(prompt))), uint32(len(prompt))}
	must(setInput(context, 0, unsafe.Pointer(&input)), "set_input")
	runtime.KeepAlive(shape)
	runtime.KeepAlive(prompt)
	must(compute(context), "compute")
	fmt.Printf("%s\n", output(context, 0))
	fmt.Fprintf(os.Stderr, "%s\n", output(context, 1))
}
