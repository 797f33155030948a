// SPDX-License-Identifier: MIT
package hakmem

import "testing"

func live(t *testing.T) uint64 {
	bytes, known := Counter("live.large_bytes")
	if !known {
		t.Fatal("live.large_bytes is not known")
	}
	return bytes
}

// What is allocated is counted by hakmem, keeps what is written, and goes back.
func TestBlocksAreHakmems(t *testing.T) {
	before := live(t)
	block := Alloc(64 << 20)
	if block == nil || len(block) != 64<<20 {
		t.Fatal("there is no block")
	}
	for i := 0; i < len(block); i += 4096 {
		if block[i] != 0 {
			t.Fatal("it is not zeroes")
		}
		block[i] = byte(i >> 12)
	}
	if grown := live(t) - before; grown < 64<<20 {
		t.Fatalf("only %d bytes are counted", grown)
	}
	if block[5*4096] != 5 {
		t.Fatal("it does not keep what is written")
	}
	Free(block)
	Free(nil)
	if live(t)-before >= 64<<20 {
		t.Fatal("it did not go back")
	}
	Purge()
	if _, known := Counter("no.such_name"); known {
		t.Fatal("a name is known that is none")
	}
}
