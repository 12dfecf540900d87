// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
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
	for _, program := range []string{"as", "objcopy"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("no " + program + " (Debian: binutils)")
		}
	}
	assembly, err := os.ReadFile("../zz_avx512_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	var source, want bytes.Buffer
	lines, kinds := 0, map[string]int{}
	numbers := regexp.MustCompile(`(?m)^\t// (\w+)(.*)\n((?:\t(?:LONG|WORD|BYTE) +\$0x[0-9a-f]+\n)+)`)
	for _, m := range numbers.FindAllStringSubmatch(string(assembly), -1) {
		kinds[m[1]]++
		fmt.Fprintln(&source, m[1], m[2])
		for line := range strings.Lines(m[3]) {
			fields := strings.Fields(line)
			value, err := strconv.ParseUint(strings.TrimPrefix(fields[1], "$"), 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			for range map[string]int{"LONG": 4, "WORD": 2, "BYTE": 1}[fields[0]] {
				want.WriteByte(byte(value))
				value >>= 8
			}
			lines++
		}
	}
	all := regexp.MustCompile(`(?m)^\t(LONG|WORD|BYTE) `).FindAllString(string(assembly), -1)
	if lines != len(all) || len(kinds) != 8 {
		t.Fatalf("%d of %d lines with numbers have names, of the instructions %v", lines, len(all), kinds)
	}
	object, binary := filepath.Join(t.TempDir(), "o"), filepath.Join(t.TempDir(), "b")
	as := exec.Command("as", "--64", "-o", object, "-")
	as.Stdin = &source
	if out, err := as.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("objcopy", "-O", "binary", "-j", ".text", object, binary).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("the numbers differ from what the assembler makes of the names")
	}
}
