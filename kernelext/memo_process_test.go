// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// memoScenario is one of several processes that want the same value.
func memoScenario() {
	v := Memo("shared", 1, func() ([]byte, error) {
		f, err := os.OpenFile(os.Getenv("COMPUTED"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		fmt.Fprintln(f, os.Getpid())
		time.Sleep(300 * time.Millisecond)
		return bytes.Repeat([]byte("value"), 1000), nil
	})
	if !bytes.Equal(v, bytes.Repeat([]byte("value"), 1000)) {
		fmt.Println("WRONG VALUE")
		os.Exit(1)
	}
}

func TestMemoInSeveralProcessesAtOnce(t *testing.T) {
	dir := t.TempDir()
	computed := filepath.Join(dir, "computed")
	var wg sync.WaitGroup
	said := make([]string, 4)
	for i := range said {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), scenarioVariable+"=memo", "LATERAL_MEMO="+filepath.Join(dir, "memo"),
				"COMPUTED="+computed)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("process %d: %v: %s", i, err, out)
			}
			said[i] = string(out)
		})
	}
	wg.Wait()
	if b, err := os.ReadFile(computed); err != nil || bytes.Count(b, []byte("\n")) != 1 {
		t.Errorf("computed by %q, want one process: %v", b, err)
	}
	all := strings.Join(said, "")
	if strings.Count(all, "reused") != 3 || strings.Count(all, "stored") != 1 ||
		!strings.Contains(all, "waiting for its value") {
		t.Errorf("said %q", all)
	}
}

// TestMemoAfterKill: a process killed in the middle of a computation leaves neither a lock nor a half entry.
func TestMemoAfterKill(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	computed := filepath.Join(dir, "computed")
	cmd.Env = append(os.Environ(), scenarioVariable+"=memo", "LATERAL_MEMO="+dir, "COMPUTED="+computed)
	must(t, cmd.Start())
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(computed); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the other process does not start")
		}
	}
	must(t, cmd.Process.Kill())
	cmd.Wait()
	must(t, os.Remove(computed))
	leftovers(t, dir)
	v, said, err := memoIn(t, dir, "shared", 1, give([]byte("mine")))
	if string(v) != "mine" || err != nil || strings.Contains(said, "waiting") {
		t.Errorf("%q %q %v", v, said, err)
	}
}

func interruptScenario() {
	ctx := Interrupted()
	v, err := TryMemo("training", 1, func() (int, error) {
		fmt.Println("started")
		<-ctx.Done()
		return 42, nil // what there is so far
	})
	fmt.Println(v, err, ctx.Err())
}

func TestInterruptedValueIsReturnedButNotStored(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), scenarioVariable+"=interrupt", "LATERAL_MEMO="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var said bytes.Buffer
	buf := make([]byte, 1000)
	for {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if strings.Contains(string(buf[:n]), "started") {
			must(t, cmd.Process.Signal(os.Interrupt))
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "not stored") ||
		!strings.Contains(said.String(), "42 <nil> context canceled") {
		t.Errorf("%v: %q", err, said.String())
	}
	leftovers(t, dir)
}
