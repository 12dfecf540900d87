// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A process is a running peer script that waits for requests; see peers/serve.py for the protocol.
type process struct {
	peer    string // description, such as "NumPy 2.4.6 wheel"
	setting string // thread setting
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errors  bytes.Buffer
}

// An answer is a message of a process, sent at its start (Peer) or in response to a request.
type answer struct {
	Peer    string
	Variant string    // fastest variant of the work
	Batches []float64 // mean seconds per run, for each batch
	Error   string
}

// startupTime is the maximum time for an interpreter to import its packages from a cold disk.
const startupTime = 5 * time.Minute

// startProcess starts a script in dir with an interpreter and environment settings, NAME=VALUE.
func startProcess(interpreter, dir, script string, settings []string) (*process, error) {
	p := &process{setting: strings.Join(settings, " ")}
	p.cmd = exec.Command(interpreter, "-u", filepath.Join(dir, script))
	p.cmd.Env = append(withoutThreads(os.Environ()), settings...)
	p.cmd.Stderr = &p.errors
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	hello, err := p.answer(startupTime)
	if err != nil {
		return nil, err
	}
	p.peer = hello.Peer
	return p, nil
}

// withoutThreads removes the variables that determine the number of threads.
func withoutThreads(env []string) []string {
	var kept []string
	for _, v := range env {
		if name, _, _ := strings.Cut(v, "="); !strings.HasSuffix(name, "_NUM_THREADS") {
			kept = append(kept, v)
		}
	}
	return kept
}

// request requests the time of an item for the given variant or, if that is empty, for the fastest. folder holds the
// files that the item's setup wrote.
func (p *process) request(item, variant, folder string, d time.Duration) error {
	line, err := json.Marshal(map[string]any{
		"item": item, "variant": variant, "folder": folder, "seconds": d.Seconds(),
	})
	if err != nil {
		return err
	}
	_, err = p.in.Write(append(line, '\n'))
	return err
}

// answer waits for the next line. If the process ends or sends nothing within the limit, it is closed.
func (p *process) answer(limit time.Duration) (answer, error) {
	late := time.AfterFunc(limit, func() { p.cmd.Process.Kill() })
	line, err := p.out.ReadBytes('\n')
	if !late.Stop() {
		p.close()
		return answer{}, fmt.Errorf("no answer within %v", limit)
	}
	if err != nil {
		p.close()
		return answer{}, fmt.Errorf("it ended: %s", lastLine(p.errors.String()))
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		p.close()
		return answer{}, fmt.Errorf("its answer %q: %w", bytes.TrimSpace(line), err)
	}
	if a.Error != "" {
		return answer{}, errors.New(a.Error)
	}
	for _, seconds := range a.Batches {
		if !(seconds > 0) {
			return answer{}, fmt.Errorf("its answer %q has a time that is not positive", bytes.TrimSpace(line))
		}
	}
	return a, nil
}

// close ends the process.
func (p *process) close() {
	p.in.Close()
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// lastLine returns the last line of a text, which in a Python traceback is the error.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return "without a message"
	}
	return text[strings.LastIndexByte(text, '\n')+1:]
}
