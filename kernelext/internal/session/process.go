// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// process is a kernel's operating-system process and all it starts: they share
// a process group of their own, so that a terminal's Ctrl-C does not reach them
// and one signal ends them all.
type process struct {
	cmd    *exec.Cmd
	log    tail
	exited chan struct{} // closed once the process has ended
	state  string        // how it ended; valid after exited
}

// startProcess runs argv in dir with the environment env.
func startProcess(argv []string, dir string, env []string) (*process, error) {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), exited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, env
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = processGroup()
	p.cmd.WaitDelay = waitDelay // grandchildren may hold the pipe open
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("session: start the kernel: %w", err)
	}
	go func() {
		p.cmd.Wait()
		p.state = p.cmd.ProcessState.String()
		close(p.exited)
	}()
	return p, nil
}

// signal sends sig to the kernel process alone.
func (p *process) signal(sig syscall.Signal) {
	p.cmd.Process.Signal(sig) // one that has ended needs none
}

// kill ends the kernel and everything it started.
func (p *process) kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

// tail is a writer that keeps the last lines written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 4096

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if excess := len(t.text) - tailBytes; excess > tailBytes {
		t.text = append([]byte(nil), t.text[excess:]...)
	}
	return len(b), nil
}

// last returns up to n of the last lines.
func (t *tail) last(n int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(string(bytes.TrimSpace(t.text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
