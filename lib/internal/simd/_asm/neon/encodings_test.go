// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestEncodings assembles the names of all instructions that are written as numbers, and compares the numbers.
func TestEncodings(t *testing.T) {
	const assembler, objcopy = "aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy"
	if _, err := exec.LookPath(assembler); err != nil {
		t.Skip("no " + assembler + " (Debian: binutils-aarch64-linux-gnu)")
	}
	assembly, _, err := generate().text()
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`WORD \$0x([0-9a-f]{8}) // (.*)`).FindAllStringSubmatch(string(assembly), -1)
	if len(words) < 1000 {
		t.Fatalf("only %d instructions were found", len(words))
	}
	var source bytes.Buffer
	for _, w := range words {
		fmt.Fprintln(&source, w[2])
	}
	object, binaries := filepath.Join(t.TempDir(), "o"), filepath.Join(t.TempDir(), "b")
	as := exec.Command(assembler, "-o", object, "-")
	as.Stdin = &source
	if out, err := as.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(objcopy, "-O", "binary", "-j", ".text", object, binaries).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, err := os.ReadFile(binaries)
	if err != nil || len(code) != 4*len(words) {
		t.Fatalf("%d bytes of %d instructions: %v", len(code), len(words), err)
	}
	for i, w := range words {
		got, err := strconv.ParseUint(w[1], 16, 32)
		if want := binary.LittleEndian.Uint32(code[4*i:]); err != nil || uint32(got) != want {
			t.Errorf("%s is %08x, not %s", w[2], want, w[1])
		}
	}
}

// TestInstructionsPerMultiplyAdd counts the instructions of the main loops of the largest tiles. A vector has four
// floats, so 0.25 would be ideal.
func TestInstructionsPerMultiplyAdd(t *testing.T) {
	assembly, _, err := generate().text()
	if err != nil {
		t.Fatal(err)
	}
	for _, main := range []struct{ kernel, steps, want string }{{"TileT6x2", "8", "0.273"}, {"TileN5x2", "16", "0.275"}} {
		_, body, found := strings.Cut(string(assembly), "TEXT ·neon"+main.kernel+"(SB)")
		_, body, labelled := strings.Cut(body, "\nsteps"+main.steps+":\n")
		loop, _, closed := strings.Cut(body, "after"+main.steps+":\n")
		if !found || !labelled || !closed {
			t.Fatalf("%s has no main loop of %s steps", main.kernel, main.steps)
		}
		instructions, products := strings.Count(loop, "\n"), 4*strings.Count(loop, "// fmla ")
		if got := fmt.Sprintf("%.3f", float64(instructions)/float64(products)); got != main.want {
			t.Errorf("%s: %s instructions per multiply-add (%d for %d), not %s",
				main.kernel, got, instructions, products, main.want)
		}
	}
}
