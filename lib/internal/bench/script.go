// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A scriptReport is the last line that a script prints: the program that did the work, and the seconds it took.
type scriptReport struct {
	Name    string
	Seconds float64
}

// runScript runs a script of dir/peers once, to its end. The last argument of the script is the path of a file, to
// which it writes its result; the file must fill result, a slice of float32 or float64.
func runScript(ctx context.Context, python, dir, script string, result any, args ...any) (scriptReport, error) {
	out := filepath.Join(dir, "result")
	os.Remove(out) // a script that writes none must not pass off that of another
	line := []string{filepath.Join(dir, "peers", script)}
	for _, a := range append(args, out) {
		line = append(line, fmt.Sprint(a))
	}
	c := exec.CommandContext(ctx, python, line...)
	var complaint bytes.Buffer
	c.Stderr = &complaint
	printed, err := c.Output()
	if err != nil {
		return scriptReport{}, fmt.Errorf("%w: %s", err, lastLine(complaint.String()))
	}
	var r scriptReport
	if err := json.Unmarshal([]byte(lastLine(string(printed))), &r); err != nil {
		return scriptReport{}, fmt.Errorf("it printed %q: %w", strings.TrimSpace(string(printed)), err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		return scriptReport{}, err
	}
	if want := binary.Size(result); len(raw) != want {
		return scriptReport{}, fmt.Errorf("its result has %d bytes, not %d", len(raw), want)
	}
	_, err = binary.Decode(raw, binary.LittleEndian, result)
	return r, err
}

// eachPeer does a work with each of the programs and interpreters. It returns what succeeded, and logs what did not.
func eachPeer[T any](log io.Writer, programs []string, work func(python, program string) (T, error)) []T {
	var done []T
	for _, program := range programs {
		for _, python := range interpreters() {
			d, err := work(python, program)
			if err != nil {
				fmt.Fprintf(log, "skipped: %s with %s: %v\n", program, python, err)
				continue
			}
			done = append(done, d)
		}
	}
	return done
}
