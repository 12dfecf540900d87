// SPDX-License-Identifier: Apache-2.0

// Command _asm writes the assembly of package simd with avo, one instruction set per run:
//
//	go run . -isa avx512
//
// makes zz_avx512_amd64.s and the declarations zz_avx512_amd64.go in the directory above. Command neon, in the directory
// below, does the same for arm64.
//
// Every kernel is described once, for both instruction sets, in terms of the vector type isa (isa.go): loops over
// slices in elementwise.go and reduce.go, elementary functions in math.go, optimiser steps in optim.go, the matrix
// product's tiles in gemm.go, their packing in pack.go and products that skip zeros in sparse.go, convolution in
// conv.go and, by minimal filtering, winograd.go (package winograd has its maps), pooling in pool.go, batch
// normalisation in normalize.go, bit counting in bits.go, the forces on the points of a map in repel.go, the steps of
// a pursuit in pursue.go, and products of bfloat16 numbers in bfloat.go, by instructions that encodings.go writes as
// numbers. What a kernel computes is defined by the Go body of the same name in package simd; its tests hold the two
// together.
package main

import (
	"bytes"
	"flag"
	"log"
	"os"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	set := flag.String("isa", "avx512", "instruction set: avx512 or avx2")
	flag.Parse()
	v, ok := map[string]isa{"avx512": avx512, "avx2": avx2}[*set]
	if !ok {
		log.Fatalf("unknown instruction set %q", *set)
	}
	assembly := "../zz_" + v.name + "_amd64.s"
	declarations := "../zz_" + v.name + "_amd64.go"
	for name, value := range map[string]string{"out": assembly, "stubs": declarations, "pkg": "simd"} {
		if err := flag.Set(name, value); err != nil {
			log.Fatal(err)
		}
	}
	ConstraintExpr("!purego")
	v.arithmetic()
	v.functions()
	v.reductions()
	v.normalisation()
	v.optimisers()
	v.tiles()
	v.sparse()
	v.packing()
	v.convolutions()
	v.maxPool()
	v.hamming()
	v.hammingBelow()
	if v.wide() {
		v.hammingBelow4()
	}
	v.repel()
	v.pursue()
	v.multiplyAdds()
	v.winograd()
	if v.wide() {
		v.bfloat()
	}
	Generate()
	for _, file := range []string{assembly, declarations} {
		if err := license(file); err != nil {
			log.Fatal(err)
		}
	}
}

// license puts the licence's name at the top of a generated file.
func license(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append([]byte("// SPDX-License-Identifier: Apache-2.0\n\n"), bytes.TrimLeft(text, "\n")...), 0o644)
}
