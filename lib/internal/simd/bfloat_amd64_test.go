// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"
)

func init() {
	if !cpu.X86.HasAVX512BF16 {
		return
	}
	// What tiles need is packed by assembly, but multiplied by portable code; and the other way round.
	packed := amxBfloat
	packed.name, packed.whole, packed.tiles = "packed for tiles", false, goBfloatTiles
	edges := packed
	edges.name, edges.whole = "packed for whole tiles", true
	portable := avx512Bfloat
	portable.name, portable.pairs = "packed by portable code", goBfloatChains
	bfloatParts = append(bfloatParts, packed, edges, portable)
}

// goBfloatChains packs as VDPBF16PS wants it.
func goBfloatChains(hi, lo []uint32, src []float32, width int) {
	for r := range bfloatBlock / 2 {
		step := r/2*4 + r%2
		for j := range width {
			h, l := bfloatHalves(src[(step+2)*width+j], src[step*width+j])
			if hi[r*width+j] = h; len(lo) > 0 {
				lo[r*width+j] = l
			}
		}
	}
}

// TestTiles executes the machine code of the kernel for tiles, instruction by instruction, on tiles in portable code,
// and expects the bits of goBfloatTiles. A processor with tiles runs it in TestBfloat, too.
func TestTiles(t *testing.T) {
	executed := map[string]int{}
	for _, panels := range []int{1, 3} {
		for _, parts := range []int{1, 2} {
			for _, acc := range []bool{false, true} {
				for _, blocks := range []int{1, 2, 8} {
					rng := rand.New(rand.NewPCG(uint64(panels*blocks), uint64(parts)))
					words := func(n int) []uint32 {
						x := make([]uint32, n)
						for i := range x {
							x[i] = bfloat(float32(rng.NormFloat64())) | bfloat(float32(rng.NormFloat64()))>>16
						}
						return x
					}
					const rows, ldc = 32, 37
					a, b := words(panels*bfloatWords(blocks, parts, rows)), words(bfloatWords(blocks, parts, rows))
					c := guarded(t, (panels*rows-1)*ldc+bfloatCols)
					fillNormal(rng, c.x)
					want := copied(c.x)
					goBfloatTiles(blocks, parts, a, b, want, ldc, panels*rows, bfloatCols, acc)

					emulate(t, executed, blocks, parts, a, b, c.x, ldc, panels*rows, acc)
					name := fmt.Sprintf("%d panels, %d parts, %d blocks, acc %v", panels, parts, blocks, acc)
					c.check(t, name)
					if !sameBits(c.x, want) {
						t.Fatalf("%s: the results differ", name)
					}
				}
			}
		}
	}
	for _, name := range []string{"ldtilecfg", "tilezero", "tileloadd", "tdpbf16ps", "tilestored", "tilerelease"} {
		if executed[name] == 0 {
			t.Errorf("no %s among %v", name, executed)
		}
	}
}

// emulate is amxBfloatWhole on an emulated processor, which counts the instructions on tiles.
func emulate(t *testing.T, executed map[string]int, blocks, parts int, a, b []uint32, c []float32, ldc, rows int,
	acc bool) {
	add := 0
	if acc {
		add = 1
	}
	config := amxConfig[:]
	m := &machine{t: t, code: codeOf(t, amxBfloatTiles), executed: executed}
	m.give(config, false)
	m.give(bytesOf(a), false)
	m.give(bytesOf(b), false)
	m.give(bytesOf(c), true)
	m.call(address(config), address(a), uint64(len(a)), uint64(cap(a)), address(b), uint64(len(b)), uint64(cap(b)),
		address(c), uint64(len(c)), uint64(cap(c)), uint64(4*ldc), uint64(rows/bfloatCols), uint64(blocks), uint64(add),
		uint64(parts-1))
}

func bytesOf[T uint32 | float32](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

func address[T any](x []T) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(x)))) }

// codeOf returns the machine code of a function in assembly, and more after its end. A function value leads to code of
// the linker that passes the arguments on the stack and calls it.
func codeOf(t *testing.T, f any) []byte {
	t.Helper()
	const most = 4096
	v := reflect.ValueOf(f)
	wrapper := unsafe.Slice((*byte)(v.UnsafePointer()), 256)
	start := uint64(v.Pointer())
	for i := range len(wrapper) - 5 {
		if wrapper[i] != 0xe8 { // call
			continue
		}
		target := start + uint64(i+5) + uint64(int64(int32(binary.LittleEndian.Uint32(wrapper[i+1:]))))
		if g := runtime.FuncForPC(uintptr(target)); g != nil && uint64(g.Entry()) == target &&
			strings.HasSuffix(g.Name(), ".amxBfloatTiles") {
			return unsafe.Slice((*byte)(unsafe.Add(v.UnsafePointer(), int(target-start))), most)
		}
	}
	t.Fatal("the function's code was not found")
	return nil
}

// A machine executes the instructions of a kernel for tiles, on the memory that it was given.
type machine struct {
	t        *testing.T
	code     []byte
	pc       int
	regs     [16]uint64
	zero     bool // the flag of the last result
	memory   []region
	tiles    [8][16][64]byte
	rows     [8]int
	bytes    [8]int // of a row
	ready    bool   // the tiles are configured
	executed map[string]int
}

// A region is memory from an address on.
type region struct {
	start  uint64
	bytes  []byte
	writes bool
}

func (m *machine) give(x []byte, writes bool) {
	m.memory = append(m.memory, region{address(x), x, writes})
}

// at returns n bytes of memory, and fails the test if the kernel may not touch them.
func (m *machine) at(address uint64, n int, write bool) []byte {
	m.t.Helper()
	for _, r := range m.memory {
		if i := address - r.start; i < uint64(len(r.bytes)) && i+uint64(n) <= uint64(len(r.bytes)) && (r.writes || !write) {
			return r.bytes[i:][:n]
		}
	}
	m.t.Fatalf("at %#x of the code: %d bytes at %#x are not the kernel's (write: %v)", m.pc, n, address, write)
	return nil
}

const rsp = 4

// call executes the function with arguments of 8 bytes on the stack, until it returns.
func (m *machine) call(arguments ...uint64) {
	stack := make([]byte, 8*(1+len(arguments)))
	for i, x := range arguments {
		binary.LittleEndian.PutUint64(stack[8*(i+1):], x)
	}
	m.give(stack, false)
	m.regs[rsp] = address(stack)
	for !m.step() {
	}
	if m.ready {
		m.t.Fatal("the tiles were not released")
	}
	runtime.KeepAlive(stack)
}

// fetch returns the next n bytes of the code as a signed number.
func (m *machine) fetch(n int) int64 {
	var x uint64
	for i := range n {
		x |= uint64(m.code[m.pc+i]) << (8 * i)
	}
	m.pc += n
	return int64(x<<(64-8*n)) >> (64 - 8*n)
}

// An operand is a register, or memory.
type machineOperand struct {
	register int
	memory   bool
	address  uint64 // without the row of a tile
	stride   uint64 // of the rows of a tile
}

// modrm decodes the operands of an instruction: a register, and a register or memory.
func (m *machine) modrm(r, x, b int) (reg int, operand machineOperand) {
	f := int(m.fetch(1)) & 0xff
	mode, reg, rm := f>>6, f>>3&7|r<<3, f&7
	if mode == 3 {
		return reg, machineOperand{register: rm | b<<3}
	}
	o := machineOperand{memory: true}
	if rm == 4 {
		sib := int(m.fetch(1)) & 0xff
		if index := sib>>3&7 | x<<3; index != 4 {
			o.stride = m.regs[index] << (sib >> 6)
		}
		rm = sib & 7
	}
	if mode == 0 && rm == 5 {
		m.t.Fatalf("at %#x of the code: an address without a base", m.pc)
	}
	o.address = m.regs[rm|b<<3]
	if mode == 1 {
		o.address += uint64(m.fetch(1))
	} else if mode == 2 {
		o.address += uint64(m.fetch(4))
	}
	return reg, o
}

func (m *machine) load(o machineOperand) uint64 {
	if !o.memory {
		return m.regs[o.register]
	}
	return binary.LittleEndian.Uint64(m.at(o.address+o.stride, 8, false))
}

// step executes an instruction and reports whether it was the return from the function.
func (m *machine) step() bool {
	start := m.pc
	op := byte(m.fetch(1))
	rex := byte(0)
	if op&0xf0 == 0x40 {
		rex = op
		op = byte(m.fetch(1))
	}
	r, x, b := int(rex>>2&1), int(rex>>1&1), int(rex&1)
	jump := func(n int, taken bool) {
		if offset := m.fetch(n); taken {
			m.pc += int(offset)
		}
	}
	switch wide := rex&8 != 0; {
	case op == 0xc3:
		return true
	case op == 0xc4:
		m.tile(start)
	case op == 0xeb:
		jump(1, true)
	case op == 0xe9:
		jump(4, true)
	case op == 0x74 || op == 0x75:
		jump(1, m.zero == (op == 0x74))
	case op == 0x0f && (m.code[m.pc] == 0x84 || m.code[m.pc] == 0x85):
		near := m.fetch(1)&1 == 0
		jump(4, m.zero == near)
	case op == 0x8b && wide: // mov
		reg, o := m.modrm(r, x, b)
		m.regs[reg] = m.load(o)
	case op == 0x89 && wide:
		reg, o := m.modrm(r, x, b)
		m.toRegister(start, o, m.regs[reg])
	case op == 0xc7 && wide:
		_, o := m.modrm(r, x, b)
		m.toRegister(start, o, uint64(m.fetch(4)))
	case op&0xf8 == 0xb8 && !wide:
		m.regs[int(op&7)|b<<3] = uint64(uint32(m.fetch(4)))
	case op == 0x85 && wide: // test
		reg, o := m.modrm(r, x, b)
		m.zero = m.load(o)&m.regs[reg] == 0
	case op == 0x01 && wide: // add
		reg, o := m.modrm(r, x, b)
		m.result(start, o, m.load(o)+m.regs[reg])
	case op == 0x03 && wide:
		reg, o := m.modrm(r, x, b)
		m.result(start, machineOperand{register: reg}, m.regs[reg]+m.load(o))
	case (op == 0x81 || op == 0x83) && wide && m.code[m.pc]>>3&7 == 0:
		_, o := m.modrm(r, x, b)
		m.result(start, o, m.load(o)+uint64(m.fetch(map[byte]int{0x81: 4, 0x83: 1}[op])))
	case op == 0xc1 && wide && m.code[m.pc]>>3&7 == 4: // shl
		_, o := m.modrm(r, x, b)
		m.result(start, o, m.load(o)<<m.fetch(1))
	case op == 0xff && wide && m.code[m.pc]>>3&7 == 1: // dec
		_, o := m.modrm(r, x, b)
		m.result(start, o, m.load(o)-1)
	default:
		m.t.Fatalf("at %#x of the code: the instruction % x is not known", start, m.code[start:start+8])
	}
	return false
}

func (m *machine) result(start int, o machineOperand, x uint64) {
	m.toRegister(start, o, x)
	m.zero = x == 0
}

func (m *machine) toRegister(start int, o machineOperand, x uint64) {
	if o.memory {
		m.t.Fatalf("at %#x of the code: general registers are not stored", start)
	}
	m.regs[o.register] = x
}

// tile executes an instruction on tiles, after the first byte of its VEX prefix.
func (m *machine) tile(start int) {
	first, second := byte(m.fetch(1)), byte(m.fetch(1))
	op := byte(m.fetch(1))
	r, x, b := int(^first>>7&1), int(^first>>6&1), int(^first>>5&1)
	third, prefix := int(^second>>3&15), second&3
	direct := m.code[m.pc]>>6 == 3
	reg, o := m.modrm(r, x, b)
	name := map[[2]byte]string{{0x49, 0}: "ldtilecfg", {0x49, 3}: "tilezero", {0x4b, 3}: "tileloadd",
		{0x4b, 2}: "tilestored", {0x5c, 2}: "tdpbf16ps"}[[2]byte{op, prefix}]
	if name == "ldtilecfg" && direct {
		name = "tilerelease"
	}
	if first&0x1f != 2 || second&0x84 != 0 || name == "" || direct == o.memory ||
		name != "tdpbf16ps" && third != 0 {
		m.t.Fatalf("at %#x of the code: the instruction % x is not known", start, m.code[start:start+8])
	}
	if m.executed[name]++; (name == "ldtilecfg") == m.ready {
		m.t.Fatalf("at %#x of the code: %s, tiles configured: %v", start, name, m.ready)
	}
	switch name {
	case "ldtilecfg":
		m.configure(m.at(o.address, 64, false))
	case "tilerelease":
		m.ready, m.tiles = false, [8][16][64]byte{}
	case "tilezero":
		m.tiles[reg] = [16][64]byte{}
	case "tileloadd":
		m.tiles[reg] = [16][64]byte{}
		for i := range m.rows[reg] {
			copy(m.tiles[reg][i][:], m.at(o.address+uint64(i)*o.stride, m.bytes[reg], false))
		}
	case "tilestored":
		for i := range m.rows[reg] {
			copy(m.at(o.address+uint64(i)*o.stride, m.bytes[reg], true), m.tiles[reg][i][:])
		}
	case "tdpbf16ps":
		if reg == o.register || reg == third || o.register == third {
			m.t.Fatalf("at %#x of the code: the same tile twice", start)
		}
		m.multiply(reg, o.register, third)
	}
}

func (m *machine) configure(c []byte) {
	if c[0] != 1 || slices.Max(c[1:16]) != 0 || slices.Max(c[32:48]) != 0 || slices.Max(c[56:64]) != 0 {
		m.t.Fatalf("the configuration % x is not valid", c)
	}
	for i := range m.tiles {
		m.bytes[i], m.rows[i] = int(binary.LittleEndian.Uint16(c[16+2*i:])), int(c[48+i])
		if m.bytes[i] < 1 || m.bytes[i] > 64 || m.rows[i] < 1 || m.rows[i] > 16 {
			m.t.Fatalf("tile %d of the configuration has %d rows of %d bytes", i, m.rows[i], m.bytes[i])
		}
	}
	m.ready, m.tiles = true, [8][16][64]byte{}
}

// multiply is TDPBF16PS as Intel's manual defines it: c = c + a*b.
func (m *machine) multiply(c, a, b int) {
	if m.rows[a] != m.rows[c] || m.bytes[b] != m.bytes[c] || 4*m.rows[b] != m.bytes[a] {
		m.t.Fatalf("tiles of shapes that do not fit")
	}
	at := func(x []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(x)) << 16) }
	for row := range m.rows[c] {
		var sums [32]float32
		for k := range m.bytes[a] / 4 {
			for n := range m.bytes[c] / 4 {
				for half := range 2 {
					x, y := at(m.tiles[a][row][4*k+2*half:]), at(m.tiles[b][k][4*n+2*half:])
					sums[2*n+half] = toZero(fma32(x, y, sums[2*n+half]))
				}
			}
		}
		for n := range m.bytes[c] / 4 {
			x := m.tiles[c][row][4*n:][:4]
			old := math.Float32frombits(binary.LittleEndian.Uint32(x))
			sum := toZero(toZero(old) + toZero(sums[2*n]+sums[2*n+1]))
			binary.LittleEndian.PutUint32(x, math.Float32bits(sum))
		}
	}
}

// TestProductsByTiles computes products by that machine code, with whole tiles and others.
func TestProductsByTiles(t *testing.T) {
	if !cpu.X86.HasAVX512BF16 {
		t.Skip("the processor cannot pack")
	}
	chosen, before := active, matmul
	defer func() { active, matmul = chosen, before }()
	k := *active
	active, k.bfloat = &k, amxBfloat
	k.bfloat.tiles = func(blocks, parts int, a, b []uint32, c []float32, ldc, rows, cols int, acc bool) {
		if cols != bfloatCols || rows%bfloatCols != 0 {
			t.Fatalf("%d x %d elements are not whole tiles", rows, cols)
		}
		emulate(t, map[string]int{}, blocks, parts, a, b, c, ldc, rows, acc)
	}
	checked := 0
	for _, matmul = range []Precision{BF16, BF16x3} {
		for i, size := range [][3]int{{1, 1, 1}, {32, 32, 32}, {33, 31, 40}, {70, 64, 300}, {500, 35, 33}} {
			for _, l := range layouts {
				checked += checkBfloat(t, l.transA, l.transB, size[0], size[1], size[2], i%2 == 0)
			}
		}
	}
	if checked == 0 {
		t.Fatal("no element was checked")
	}
}
