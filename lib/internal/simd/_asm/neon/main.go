// SPDX-License-Identifier: Apache-2.0

// Command neon writes the assembly of package simd for arm64, zz_neon_arm64.s, and its declarations, zz_neon_arm64.go,
// in the directory above _asm:
//
//	go run ./neon
//
// asm.go writes functions in Go's assembly language, isa.go the vector instructions, which that language mostly lacks,
// as numbers. The kernels are described as for amd64 in the directory above, in files of the same names, and perform
// the same operations in the same order.
package main

import (
	"fmt"
	"log"
	"os"
)

func main() {
	assembly, declarations, err := generate().text()
	if err != nil {
		log.Fatal(err)
	}
	for name, text := range map[string][]byte{"zz_neon_arm64.s": assembly, "zz_neon_arm64.go": declarations} {
		if err := os.WriteFile("../"+name, text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate describes all kernels.
func generate() *file {
	f := &file{}
	f.arithmetic()
	f.reductions()
	f.normalisation()
	f.tiles()
	f.packing()
	f.sparse()
	f.convolutions()
	f.winograd()
	f.maxPool()
	f.hamming()
	f.hammingBelow()
	f.multiplyAdds()
	f.repel()
	f.pursue()
	f.optimisers()
	return f
}

func label(name string, n int) string { return fmt.Sprintf("%s%d", name, n) }
