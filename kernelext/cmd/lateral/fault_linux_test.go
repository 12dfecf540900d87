// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/session"
	"github.com/lateral-ml/lateral/kernelext/wire"
)

// TestNothingSurvives kills, with SIGKILL, the Jupyter server of a running cell, and the kernel: in either case no
// process stays behind.
func TestNothingSurvives(t *testing.T) {
	if testing.Short() {
		t.Skip("runs cells on the GoNB kernel")
	}
	tools, err := prepare(t.Context(), t.Output(), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	lateral := filepath.Join(t.TempDir(), "lateral")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", lateral, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, victim := range []string{"server", "kernel"} {
		marker := "LATERAL_TEST_MARKER=" + filepath.Base(t.TempDir()) + victim
		// A shell stands in for the server: it starts the kernel and waits for it.
		argv := append([]string{"sh", "-c", `JPY_PARENT_PID=$$; export JPY_PARENT_PID; "$@" & echo $! >"$KERNEL_PID"; wait`, "server"}, kernelArgv(lateral, tools)...)
		file := filepath.Join(t.TempDir(), "pid")
		s, err := session.Start(t.Context(), session.Spec{Argv: argv, Dir: t.TempDir(), Env: append(tools.Environment(), marker, "KERNEL_PID="+file)})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kernel, server := 0, 0
		fmt.Sscan(string(text), &kernel)
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", kernel)); err == nil {
			_, after, _ := strings.Cut(string(stat), ") ")
			fmt.Sscanf(after, "%s %d", new(string), &server)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		running := make(chan bool, 1)
		go s.Execute(ctx, s.NewExecute("%%\nfmt.Println(\"running\")\ntime.Sleep(time.Hour)", false), func(m *wire.Message) {
			if m.Header.Type == "stream" {
				running <- true
			}
		})
		select {
		case <-running:
		case <-ctx.Done():
			t.Fatal("the cell does not run")
		}
		if n := len(marked(marker)); n < 4 { // server, kernel, GoNB, cell
			t.Errorf("%d processes run", n)
		}
		syscall.Kill(map[string]int{"server": server, "kernel": kernel}[victim], syscall.SIGKILL)
		deadline := time.Now().Add(15 * time.Second)
		for len(marked(marker)) > 0 && time.Now().Before(deadline) {
			time.Sleep(100 * time.Millisecond)
		}
		for pid, command := range marked(marker) {
			t.Errorf("%s killed: process %d survives: %s", victim, pid, command)
			syscall.Kill(pid, syscall.SIGKILL)
		}
		cancel()
		s.Close()
	}
}

// marked returns the processes that have an environment variable.
func marked(variable string) map[int]string {
	found := map[int]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err != nil || !strings.Contains("\x00"+string(environ), "\x00"+variable+"\x00") {
			continue
		}
		pid := 0
		fmt.Sscanf(file, "/proc/%d/", &pid)
		if command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(command) > 0 {
			found[pid] = strings.ReplaceAll(string(command), "\x00", " ")
		}
	}
	return found
}
