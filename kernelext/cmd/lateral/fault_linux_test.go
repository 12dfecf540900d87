// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/kernelext/internal/notebook"
	"github.com/lateral-ml/lateral/kernelext/internal/session"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
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
		argv := append([]string{"sh", "-c", `JPY_PARENT_PID=$$; export JPY_PARENT_PID; "$@" & echo $! >"$KERNEL_PID"; wait`,
			"server"}, kernelArgv(lateral, tools)...)
		file := filepath.Join(t.TempDir(), "pid")
		s, err := session.Start(t.Context(), session.Spec{
			Argv: argv, Dir: t.TempDir(), Env: append(tools.Environment(), marker, "KERNEL_PID="+file),
		})
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

// TestLeftoversAreSwept kills a kernel and sees that the next one removes its temporary folders, but not those of one
// that runs.
func TestLeftoversAreSwept(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the GoNB kernel")
	}
	tools, err := prepare(t.Context(), t.Output(), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	lateral, room := filepath.Join(dir, "lateral"), filepath.Join(dir, "room")
	if err := os.Mkdir(room, 0o700); err != nil {
		t.Fatal(err)
	}
	mustRun(t, os.Environ(), "go", "build", "-o", lateral, ".")
	marker := "LATERAL_TEST_MARKER=" + filepath.Base(dir)
	start := func(environment ...string) *session.Session {
		argv := append([]string{"sh", "-c", `TMPDIR="$ROOM" exec "$@"`, "sh"}, kernelArgv(lateral, tools)...)
		environment = slices.Concat(tools.Environment(), environment, []string{"ROOM=" + room})
		s, err := session.Start(t.Context(), session.Spec{Argv: argv, Env: environment})
		if err != nil {
			t.Fatal(err)
		}
		// its GoNB runs
		if _, err := s.Execute(t.Context(), s.NewExecute("!true", false), func(*wire.Message) {}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	folders := func() (list []string) {
		for _, pattern := range []string{"inbox-*", "lateral-*"} {
			found, _ := filepath.Glob(filepath.Join(room, pattern)) // the patterns are sound
			list = append(list, found...)
		}
		return list
	}
	running := start()
	defer running.Close()
	theirs := folders()
	killed := start(marker)
	left := slices.DeleteFunc(folders(), func(path string) bool { return slices.Contains(theirs, path) })
	if len(theirs) != 2 || len(left) != 2 {
		t.Fatalf("two kernels have the folders %q and %q", theirs, left)
	}
	syscall.Kill(killed.PID(), syscall.SIGKILL)
	killed.Close()
	for deadline := time.Now().Add(15 * time.Second); len(marked(marker)) > 0 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond) // its GoNB ends
	}
	third := start()
	for _, path := range left {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	for _, path := range theirs {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("of a kernel that runs: %v", err)
		}
	}
	third.Close()
	if now := folders(); !slices.Equal(now, theirs) {
		t.Errorf("in the end there are %q", now)
	}
}

// TestTwoGigabytes runs a cell that prints 2 GB: the notebook gets a part and a line that says so, no process on the
// way takes much memory, and the next cell runs.
func TestTwoGigabytes(t *testing.T) {
	long(t, "prints two gigabytes")
	if _, err := prepare(t.Context(), t.Output(), ".", nil); err != nil {
		t.Fatal(err)
	}
	lateral, out := filepath.Join(t.TempDir(), "lateral"), t.TempDir()
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", lateral, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	path := write(t, sources("%%\nline := strings.Repeat(\"0123456789abcdef\", 1<<12)\nfor range 2 << 30 / len(line) "+
		"{\n\tfmt.Println(line)\n}",
		"%%\nfmt.Println(\"next\")"))
	marker := "LATERAL_TEST_MARKER=" + filepath.Base(t.TempDir()) + "large"
	cmd := exec.CommandContext(t.Context(), lateral, "run", "--html=false", "--out="+out, path)
	cmd.Env = append(os.Environ(), marker)
	ended := make(chan error, 1)
	go func() {
		said, err := cmd.CombinedOutput()
		t.Logf("%s", said)
		ended <- err
	}()
	peak := map[string]int{} // in MB, by program
	for running := true; running; {
		for pid, command := range marked(marker) {
			role := "the cell"
			switch words := strings.Fields(command); {
			case len(words) > 1 && words[0] == lateral && words[1] == "run":
				role = "the runner"
			case len(words) > 1 && words[0] == lateral:
				role = "the kernel"
			case filepath.Base(words[0]) == "gonb":
				role = "GoNB"
			case filepath.Base(filepath.Dir(words[0])) == "bin" || filepath.Base(words[0]) == "go" ||
				strings.Contains(words[0], "tool"):
				continue // what compiles
			}
			var kilobytes int
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // empty for one that has just ended
			if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
				fmt.Sscan(after, &kilobytes)
			}
			peak[role] = max(peak[role], kilobytes>>10)
		}
		select {
		case err := <-ended:
			if running = false; err != nil {
				t.Fatal(err)
			}
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Logf("peaks in MB: %v", peak)
	for _, role := range []string{"the runner", "the kernel", "GoNB"} {
		if mb := peak[role]; mb == 0 || mb > 300 {
			t.Errorf("%s took %d MB", role, mb)
		}
	}
	nb, err := notebook.ReadFile(filepath.Join(out, filepath.Base(path)))
	if err != nil {
		t.Fatal(err)
	}
	if said := shown(nb.Cells[0]); len(said) > 3<<20 ||
		!strings.HasSuffix(said, "[the rest of what this cell printed is left out: more than 2 MB]\n") {
		t.Errorf("the notebook has %d bytes, ending in %q", len(said), said[max(0, len(said)-100):])
	}
	if said := shown(nb.Cells[1]); said != "next\n" {
		t.Errorf("the next cell shows %q", said)
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
