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

// If this variable is set, the test binary acts as a Python interpreter; the value selects its behaviour.
const fake = "LATERAL_BENCH_FAKE"

func TestMain(m *testing.M) {
	if os.Getenv(busy) != "" {
		keepBusy()
		return
	}
	if how := os.Getenv(fake); how != "" {
		playPython(how, os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// playPython responds like peers/serve.py. Its times depend on the thread setting: one thread is the fastest.
func playPython(how, script string) {
	switch {
	case how == "silent":
		time.Sleep(time.Minute)
	case how == "without torch" && strings.Contains(script, "torch"):
		fmt.Fprintln(os.Stderr,
			"Traceback (most recent call last):\n  File ...\nModuleNotFoundError: No module named 'torch'")
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

// fakePeers returns peers whose only interpreter is the test binary, and the log of what they skipped.
func fakePeers(t *testing.T, how string) (*peers, *bytes.Buffer) {
	t.Helper()
	t.Setenv(fake, how)
	t.Setenv("LATERAL_BENCH_PYTHON", os.Args[0])
	t.Setenv("OMP_NUM_THREADS", "7") // must not reach the peers
	skipped := &bytes.Buffer{}
	p, err := newPeers(t.TempDir(), skipped)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p, skipped
}

// race measures an item once with all contenders, and returns the fastest of each script.
func (p *peers) race(it item) []peerResult {
	return p.finish(p.measure(p.contenders(it), it, time.Second), it)
}

func TestFastestSettingIsTaken(t *testing.T) {
	p, skipped := fakePeers(t, "well")
	results := p.race(item{name: "sum_64k", peers: []string{"torch", "numpy"}})
	if len(results) != 2 || skipped.Len() > 0 {
		t.Fatalf("%d results, %s", len(results), skipped)
	}
	want := peerResult{"", "Fake 1.0 (OMP_NUM_THREADS=1, fused)", timing{median: 0.125, fastest: 0.125}}
	for _, r := range results {
		want.script = r.script
		if r != want {
			t.Errorf("got %v, want %v", r, want)
		}
	}
}

// After the first measurement of an item, only the fastest setting and variant are measured again.
func TestOnlyTheFastestRunsAgain(t *testing.T) {
	p, _ := fakePeers(t, "well")
	it := item{name: "sum_64k", peers: []string{"torch"}}
	if all := p.contenders(it); len(all) < 3 {
		t.Fatalf("%d contenders", len(all))
	}
	first := p.race(it)
	list := p.contenders(it)
	if len(list) != 1 || list[0].process.setting != "OMP_NUM_THREADS=1" || list[0].variant != "fused" ||
		len(list[0].batches) > 0 {
		t.Fatalf("left are %v", list)
	}
	if again := p.race(it); !slices.Equal(again, first) {
		t.Errorf("got %v, and before that %v", again, first)
	}
}

// Two processes that share an item take half the time.
func TestTwoProcesses(t *testing.T) {
	p, _ := fakePeers(t, "well")
	results := p.race(item{name: "mlp128_two", peers: []string{"torch"}, twice: &pair{"mlp128_step", 100}})
	want := "Fake 1.0 (OMP_NUM_THREADS=1, 2 processes, fused)"
	if len(results) != 1 || results[0].name != want || math.Abs(results[0].median-100*0.125/2) > 1e-9 {
		t.Errorf("got %v, want 6.25 s with %s", results, want)
	}
}

func TestSkippedByName(t *testing.T) {
	it := item{name: "sum_64k", peers: []string{"torch"}}
	for _, c := range []struct {
		how, want string
	}{
		{"without torch", "skipped: torch with " + os.Args[0] + ": it ended: ModuleNotFoundError: No module named 'torch'\n"},
		{"garbage", `skipped: sum_64k: Fake 1.0: its answer "import antigravity": invalid character`},
		{"negative", "a time that is not positive\n"},
		{"refuses", "skipped: sum_64k: Fake 1.0: ImportError: no safetensors\n"},
	} {
		p, skipped := fakePeers(t, c.how)
		if results := p.race(it); len(results) > 0 {
			t.Errorf("%s: got %v", c.how, results)
		}
		if !strings.Contains(skipped.String(), c.want) || strings.Count(skipped.String(), "\n") != 1 {
			t.Errorf("%s: got %q, want %q once", c.how, skipped, c.want)
		}
	}

	t.Setenv("LATERAL_BENCH_PYTHON", filepath.Join(t.TempDir(), "python"))
	var skipped bytes.Buffer
	p, err := newPeers(t.TempDir(), &skipped)
	if err != nil {
		t.Fatal(err)
	}
	results := p.race(it)
	why := skipped.String()
	if len(results) > 0 || !strings.Contains(why, "no such file") && !strings.Contains(why, "cannot find") {
		t.Errorf("without an interpreter: %v, %q", results, why)
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

// The rows of a run with peers contain their names, times and ratios.
func TestBenchWithPeers(t *testing.T) {
	t.Setenv(fake, "without torch")
	t.Setenv("LATERAL_BENCH_PYTHON", os.Args[0])
	var out, log bytes.Buffer
	args := []string{"-run", "^sum_64k$", "-time", "2ms", "-peers", "-json"}
	if err := bench(t.Context(), args, &out, &log); err != nil {
		t.Fatal(err)
	}
	if want := "skipped: torch with " + os.Args[0] +
		": it ended: ModuleNotFoundError: No module named 'torch'\n"; log.String() != want {
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

// The scripts behave like the fake interpreter, if Python and NumPy are installed.
func TestRealPython(t *testing.T) {
	list := interpreters()
	i := slices.IndexFunc(list, func(python string) bool {
		return exec.Command(python, "-c", "import numpy").Run() == nil
	})
	if i < 0 {
		t.Skipf("no NumPy in %v", list)
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
	for name, want := range map[string]string{
		"sum_64k": "", "gather_100x784": "", "no_such_item": "RuntimeError: the script has no such item",
	} {
		if err := p.request(name, "", dir, 20*time.Millisecond); err != nil {
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
