// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The instructions that Go's assembler does not know, written as numbers [Intel SDM, volume 2]. Each has a comment, as
// the GNU assembler writes it: a test assembles the comments and compares.

// raw emits the bytes of an instruction.
func raw(comment string, code ...byte) {
	Comment(comment)
	emit := func(directive string, value operand.Op) {
		Instruction(&ir.Instruction{Opcode: directive, Operands: []operand.Op{value}})
	}
	for ; len(code) >= 4; code = code[4:] {
		emit("LONG", operand.U32(binary.LittleEndian.Uint32(code)))
	}
	for ; len(code) >= 2; code = code[2:] {
		emit("WORD", operand.U16(binary.LittleEndian.Uint16(code)))
	}
	for _, b := range code {
		emit("BYTE", operand.U8(b))
	}
}

// evex encodes an instruction on whole ZMM registers: of the map 0F38, with the prefix F3.
func evex(opcode byte, dst, second, third int) []byte {
	not := func(register, bit int) byte { return ^byte(register>>bit) & 1 }
	return []byte{
		0x62,
		not(dst, 3)<<7 | not(third, 4)<<6 | not(third, 3)<<5 | not(dst, 4)<<4 | 2,
		^byte(second)&15<<3 | 4 | 2,
		0x40 | not(second, 4)<<3,
		opcode,
		0xc0 | byte(dst&7)<<3 | byte(third&7),
	}
}

// multiplyBfloats adds to each float of z the product of the upper halves of a word of x and y, and then of the lower.
func multiplyBfloats(x, y, z reg.VecPhysical) {
	raw(fmt.Sprintf("vdpbf16ps %%zmm%d, %%zmm%d, %%zmm%d", number(x), number(y), number(z)),
		evex(0x52, number(z), number(y), number(x))...)
}

// roundToBfloat rounds the floats of x to half as many bytes in the lower half of y.
func roundToBfloat(x, y reg.VecPhysical) {
	raw(fmt.Sprintf("vcvtneps2bf16 %%zmm%d, %%ymm%d", number(x), number(y)), evex(0x72, number(y), 0, number(x))...)
}

// number is the number of a register.
func number(x reg.VecPhysical) int { return int(x.PhysicalIndex()) }

// The tile instructions' encodings of general registers.
const (
	rax = iota
	rcx
	rdx
	rbx
	_
	_
	rsi
	rdi
)

// A tileRow is where the rows of a tile lie in memory: at base + disp and then index*scale bytes apart.
type tileRow struct{ base, index, scale int }

// onMemory emits an instruction on a tile and memory.
func onMemory(name, form string, prefix byte, t int, m tileRow, disp int) {
	names := [8]string{rax: "rax", rcx: "rcx", rdx: "rdx", rbx: "rbx", rsi: "rsi", rdi: "rdi"}
	address := fmt.Sprintf("%#x(%%%s,%%%s,%d)", disp, names[m.base], names[m.index], m.scale)
	var mode byte
	var offset []byte
	switch {
	case disp >= 128:
		mode, offset = 2, binary.LittleEndian.AppendUint32(nil, uint32(disp))
	case disp > 0:
		mode, offset = 1, []byte{byte(disp)}
	}
	code := []byte{
		0xc4, 0xe2, 0x78 | prefix, 0x4b, mode<<6 | byte(t)<<3 | 4, byte(m.scale/2)<<6 | byte(m.index)<<3 | byte(m.base),
	}
	raw(name+" "+fmt.Sprintf(form, address, t), append(code, offset...)...)
}

func loadTile(t int, m tileRow, disp int) { onMemory("tileloadd", "%s, %%tmm%d", 3, t, m, disp) }
func storeTile(t int, m tileRow, disp int) {
	onMemory("tilestored", "%%tmm%[2]d, %[1]s", 2, t, m, disp)
}

// loadTileConfig loads the configuration that RAX points to.
func loadTileConfig() { raw("ldtilecfg (%rax)", 0xc4, 0xe2, 0x78, 0x49, 0) }
func releaseTiles()   { raw("tilerelease", 0xc4, 0xe2, 0x78, 0x49, 0xc0) }
func zeroTile(t int) {
	raw(fmt.Sprintf("tilezero %%tmm%d", t), 0xc4, 0xe2, 0x7b, 0x49, 0xc0|byte(t)<<3)
}

// multiplyTiles adds the product of tiles a and b to tile c.
func multiplyTiles(c, a, b int) {
	raw(fmt.Sprintf("tdpbf16ps %%tmm%d, %%tmm%d, %%tmm%d", b, a, c),
		0xc4, 0xe2, ^byte(b)&15<<3|2, 0x5c, 0xc0|byte(c)<<3|byte(a))
}
