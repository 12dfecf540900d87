// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary stands in for a Python interpreter where this variable says how it behaves.
const fake = "LATERAL_BENCH_FAKE"

func TestMain(m *testing.M) {
	if how := os.Getenv(fake); how != "" {
		playPython(how, os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// playPython answers as peers/serve.py does, with times that depend on the thread setting: one thread is the fastest.
func playPython(how, script string) {
	switch {
	case how == "silent":
		time.Sleep(time.Minute)
	case how == "without torch" && strings.Contains(script, "torch"):
		fmt.Fprintln(os.Stderr, "Traceback (most recent call last):\n  File ...\nModuleNotFoundError: No module named 'torch'")
		os.Exit(1)
	}
	fmt.Printf("{\"peer\": \"Fake 1.0\"}\n")
	seconds := 0.25
	if os.Getenv("OMP_NUM_THREADS") == "1" {
		seconds = 0.125
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var request struct {
			Item    string
			Seconds float64
		}
		switch err := json.Unmarshal(lines.Bytes(), &request); {
		case err != nil || request.Seconds <= 0:
			fmt.Printf("{\"error\": \"request %q\"}\n", lines.Text())
		case how == "garbage":
			fmt.Println("import antigravity")
		case how == "negative":
			fmt.Println(`{"variant": "", "batches": [-1]}`)
		case how == "refuses":
			fmt.Println(`{"error": "ImportError: no safetensors"}`)
		default:
			fmt.Printf("{\"variant\": \"fused\", \"batches\": [%v, %v]}\n", seconds, seconds)
		}
	}
}

// fakePeers returns peers whose one interpreter is the test binary, and what they skipped.
func fakePeers(t *testing.T, how string) (*peers, *[]string) {
	t.Helper()
	t.Setenv(fake, how)
	t.Setenv("LATERAL_BENCH_PYTHON", os.Args[0])
	t.Setenv("OMP_NUM_THREADS", "7") // must not reach the peers
	skipped := &[]string{}
	p, err := newPeers(t.TempDir(), func(format string, args ...any) {
		*skipped = append(*skipped, fmt.Sprintf(format, args...))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p, skipped
}

func TestFastestSettingIsTaken(t *testing.T) {
	p, skipped := fakePeers(t, "well")
	list := p.contenders(item{name: "sum_64k", peers: []string{"torch", "numpy"}}, time.Second)
	if len(list) != 2 || len(*skipped) > 0 {
		t.Fatalf("%d contenders, skipped %q", len(list), *skipped)
	}
	for _, c := range list {
		if want := "Fake 1.0 (OMP_NUM_THREADS=1, fused)"; c.name() != want {
			t.Errorf("chose %s, want %s", c.name(), want)
		}
		if err := c.measure(time.Second); err != nil {
			t.Fatal(err)
		}
		if got := summarize(c.batches); got.median != 0.125 || len(c.batches) != 2 {
			t.Errorf("batches %v", c.batches)
		}
	}
}

// Two processes that share an item take half the time.
func TestTwoProcesses(t *testing.T) {
	p, _ := fakePeers(t, "well")
	list := p.contenders(item{name: "mlp128_two", peers: []string{"torch"}, twice: &pair{"mlp128_step", 100}}, time.Second)
	if len(list) != 1 {
		t.Fatalf("%d contenders", len(list))
	}
	c := list[0]
	if err := c.measure(time.Second); err != nil {
		t.Fatal(err)
	}
	if len(c.batches) != 1 || math.Abs(c.batches[0]-100*0.125/2) > 1e-9 || !strings.Contains(c.name(), "2 processes") {
		t.Errorf("%s: %v", c.name(), c.batches)
	}
}

func TestSkippedByName(t *testing.T) {
	it := item{name: "sum_64k", peers: []string{"torch"}}
	for _, c := range []struct {
		how, want string
	}{
		{"without torch", "torch with " + os.Args[0] + ": it ended: ModuleNotFoundError: No module named 'torch'"},
		{"garbage", `sum_64k: Fake 1.0 (default threads): its answer "import antigravity": invalid character`},
		{"negative", "a time that is not positive"},
		{"refuses", "ImportError: no safetensors"},
	} {
		p, skipped := fakePeers(t, c.how)
		if list := p.contenders(it, time.Second); len(list) > 0 {
			t.Errorf("%s: %s is a contender", c.how, list[0].name())
		}
		if len(*skipped) == 0 || !strings.Contains((*skipped)[0], c.want) {
			t.Errorf("%s: skipped %q, want %q", c.how, *skipped, c.want)
		}
	}

	t.Setenv("LATERAL_BENCH_PYTHON", filepath.Join(t.TempDir(), "python"))
	var why string
	p, err := newPeers(t.TempDir(), func(format string, args ...any) { why = fmt.Sprintf(format, args...) })
	if err != nil {
		t.Fatal(err)
	}
	if list := p.contenders(it, time.Second); len(list) > 0 || !strings.Contains(why, "no such file") && !strings.Contains(why, "cannot find") {
		t.Errorf("%d contenders without an interpreter, skipped %q", len(list), why)
	}
}

func TestSilentProcess(t *testing.T) {
	t.Setenv(fake, "silent")
	p := &process{cmd: exec.Command(os.Args[0], "-u", "torch_peer.py")}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.answer(20 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "no answer within 20ms") {
		t.Errorf("got %v", err)
	}
}

// The rows of a run with peers name them, with their time and the ratio.
func TestBenchWithPeers(t *testing.T) {
	t.Setenv(fake, "without torch")
	t.Setenv("LATERAL_BENCH_PYTHON", os.Args[0])
	var out, log bytes.Buffer
	if err := bench([]string{"-run", "^sum_64k$", "-time", "2ms", "-peers", "-json"}, &out, &log); err != nil {
		t.Fatal(err)
	}
	if want := "skipped: torch with " + os.Args[0] + ": it ended: ModuleNotFoundError: No module named 'torch'\n"; log.String() != want {
		t.Errorf("standard error has %q, want %q", log.String(), want)
	}
	var row jsonRow
	if err := json.Unmarshal(out.Bytes(), &row); err != nil {
		t.Fatal(err)
	}
	if row.Peer != "Fake 1.0 (OMP_NUM_THREADS=1, fused)" || row.PeerSeconds != 0.125 || row.Ratio != 0.125/row.Seconds {
		t.Errorf("got %s", out.String())
	}
}

// The scripts do what the fake interpreter does, where Python and NumPy are installed.
func TestRealPython(t *testing.T) {
	list := interpreters()
	i := slices.IndexFunc(list, func(python string) bool { return exec.Command(python, "-c", "import numpy").Run() == nil })
	if i < 0 {
		t.Skipf("no NumPy in %v: the scripts were not run", list)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, scripts); err != nil {
		t.Fatal(err)
	}
	p, err := startProcess(list[i], filepath.Join(dir, "peers"), "numpy_peer.py", []string{"OMP_NUM_THREADS=1"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	for name, want := range map[string]string{"sum_64k": "", "gather_100x784": "", "no_such_item": "RuntimeError: the script has no such item"} {
		if err := p.request(name, 20*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		a, err := p.answer(time.Minute)
		switch {
		case want == "" && (err != nil || len(a.Batches) == 0):
			t.Errorf("%s: %v, %v", name, a, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if !strings.HasPrefix(p.peer, "NumPy ") {
		t.Errorf("it says it is %q", p.peer)
	}
}
