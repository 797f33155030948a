// SPDX-License-Identifier: MIT

// Package hakmem gives Go programs memory that their garbage collector does not see: large tables and
// buffers that live long. It must hold no Go pointers. `pkg-config hakmem-api` says where the library is.
package hakmem

// #cgo pkg-config: hakmem-api
// #include <stdlib.h>
// #include <hakmem/hakmem.h>
import "C"

import "unsafe"

// Alloc returns size bytes of zeroes, or nil when there is no memory.
func Alloc(size int) []byte {
	if size <= 0 {
		return nil
	}
	block := C.hak_calloc(1, C.size_t(size))
	if block == nil {
		return nil
	}
	return (*[1 << 40]byte)(block)[:size:size]
}

// Free gives a whole block back, as Alloc returned it. nil: nothing.
func Free(block []byte) {
	if cap(block) > 0 {
		C.hak_free(unsafe.Pointer(&block[:1][0]))
	}
}

// Purge gives to the system what is free, and returns the bytes.
func Purge() int {
	return int(C.hak_purge())
}

// Counter is a counter by name, such as "live.large_bytes"; false: there is none of that name.
func Counter(name string) (uint64, bool) {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	value := C.hak_stats_read(text)
	return uint64(value), value != ^C.size_t(0)
}
