// Package abi lowers and lifts what the canonical ABI of the component model passes through memory
// (https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md).
//
// The types here lie in memory as WIT's do: Go aligns their members alike.
package abi

import "unsafe"

// What is reachable from wasm memory alone is kept here, so that Go's collector does not free it.
var kept []any

// What the host asked room for while it answered.
var received [][]uint64

// The host puts lists and strings of its answers here. Words keep them aligned.
//
//go:wasmexport cabi_realloc
func realloc(old, oldSize, align, size uint32) uint32 {
	room := make([]uint64, size/8+1)
	if old != 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&room[0])), size), unsafe.Slice((*byte)(unsafe.Pointer(uintptr(old))), oldSize))
	}
	received = append(received, room)
	return Address(unsafe.Pointer(&room[0]))
}

// Done frees what one call needed, once its answer has been copied.
func Done() {
	kept, received = nil, nil
}

// Keep is for what an exported function gives back: the host reads it before it calls Done through cabi_post.
func Keep[T any](given *T) unsafe.Pointer {
	kept = append(kept, given)
	return unsafe.Pointer(given)
}

func Address(pointer unsafe.Pointer) uint32 { return uint32(uintptr(pointer)) }

// String is also list<u8>.
type String struct{ pointer, length uint32 }

func LowerString(text string) String {
	if text == "" {
		return String{}
	}
	kept = append(kept, text)
	return String{Address(unsafe.Pointer(unsafe.StringData(text))), uint32(len(text))}
}

// Bytes copies.
func (s String) Bytes() []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(uintptr(s.pointer))), s.length)...)
}

func (s String) String() string { return string(s.Bytes()) }

type List[T any] struct{ pointer, length uint32 }

func LowerList[T any](items []T) List[T] {
	if len(items) == 0 {
		return List[T]{}
	}
	kept = append(kept, items)
	return List[T]{Address(unsafe.Pointer(&items[0])), uint32(len(items))}
}

// Items lie where the host put them, until Done.
func (l List[T]) Items() []T {
	if l.length == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(uintptr(l.pointer))), l.length)
}

type Option[T any] struct {
	some  bool
	value T
}

func Some[T any](value T) Option[T] { return Option[T]{true, value} }

func LowerOption[T any](value *T) Option[T] {
	if value == nil {
		return Option[T]{}
	}
	return Some(*value)
}

// Or gives the value, or what to take where there is none.
func (o Option[T]) Or(other T) T {
	if o.some {
		return o.value
	}
	return other
}

// Get gives the value, or nil where there is none.
func (o *Option[T]) Get() *T {
	if o.some {
		return &o.value
	}
	return nil
}
