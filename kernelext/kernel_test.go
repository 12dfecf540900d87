// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// A cell is a process of its own, so the tests that need one run this test binary again: TestMain plays the scenario
// named in the environment, and fakeKernel reads what it sends, as GoNB does.

const scenarioVariable = "KERNELEXT_TEST_SCENARIO"

func TestMain(m *testing.M) {
	if name := os.Getenv(scenarioVariable); name != "" {
		play, ok := scenarios[name]
		if !ok {
			fmt.Fprintln(os.Stderr, "no scenario", name)
			os.Exit(3)
		}
		play()
		return
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each scenario ends with a second of sleep
	os.Exit(m.Run())
}

// An event is something that the fake kernel received.
type event struct {
	kind string // "stdout", "stderr" or "display"
	text string // what was written, or the display's text/plain
	data protocol.DisplayData
}

type fakeKernel struct {
	mu     sync.Mutex
	events []event
	deaf   bool // never opens the pipe of displays
	mute   bool // acknowledges nothing
}

func (k *fakeKernel) add(e event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.events = append(k.events, e)
}

// A textPipe receives text, which io.Copy reads in pieces of up to 32 KiB, here as in GoNB.
type textPipe struct {
	kernel *fakeKernel
	kind   string
}

func (p textPipe) Write(b []byte) (int, error) {
	p.kernel.add(event{kind: p.kind, text: string(b)})
	return len(b), nil
}

// run plays a scenario to its end and returns its exit status.
func (k *fakeKernel) run(t *testing.T, scenario string, env ...string) int {
	t.Helper()
	dir := t.TempDir()
	to, back := filepath.Join(dir, "to"), filepath.Join(dir, "back")
	for _, path := range []string{to, back} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), scenarioVariable+"="+scenario, "GONB_PIPE="+to, "GONB_PIPE_BACK="+back,
		"GONB_TMP_DIR="+dir)
	cmd.Env = append(cmd.Env, env...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go k.readDisplays(to, back)
	var text sync.WaitGroup
	text.Go(func() { io.Copy(textPipe{k, "stdout"}, stdout) })
	text.Go(func() { io.Copy(textPipe{k, "stderr"}, stderr) })
	text.Wait()
	err = cmd.Wait()
	// GoNB closes its end as soon as the process is gone: what was not read then is lost. So it is here, as no
	// goroutine is waited for.
	k.mu.Lock()
	defer k.mu.Unlock()
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return 0
}

func (k *fakeKernel) readDisplays(to, back string) {
	if k.deaf {
		return
	}
	in, err := os.OpenFile(to, os.O_RDWR, 0) // both ends, so that opening never blocks
	if err != nil {
		return
	}
	defer in.Close()
	out, err := os.OpenFile(back, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer out.Close()
	decoder, encoder := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var d protocol.DisplayData
		if decoder.Decode(&d) != nil {
			return
		}
		if c, ok := d.Data[protocol.MIMECommValue].(protocol.CommValue); ok && c.Address == protocol.GonbuiSyncAddress {
			if !k.mute {
				encoder.Encode(&protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: c.Value})
			}
			continue
		}
		plain, _ := d.Data["text/plain"].(string)
		k.add(event{kind: "display", text: plain, data: d})
	}
}

// transcript is everything received, in order, with displays in brackets.
func (k *fakeKernel) transcript() string {
	var b strings.Builder
	for _, e := range k.events {
		if e.kind == "display" {
			fmt.Fprintf(&b, "[%s]\n", strings.TrimSpace(e.text))
		} else {
			b.WriteString(e.text)
		}
	}
	return b.String()
}

func (k *fakeKernel) displays() []event {
	var list []event
	for _, e := range k.events {
		if e.kind == "display" {
			list = append(list, e)
		}
	}
	return list
}

var scenarios = map[string]func(){
	"order": func() {
		for i := range 50 {
			fmt.Printf("text %d %s\n", i, strings.Repeat("x", i%7*3000))
			if i%3 == 0 {
				fmt.Fprintf(os.Stderr, "log %d\n", i)
			}
			Show(Markdown(fmt.Sprintf("figure %d", i)))
		}
		fmt.Println("end")
	},
	"exit":  func() { Show("shown"); os.Exit(7) },
	"panic": func() { Show("shown"); panic("on purpose") },
	"fail": func() {
		fmt.Println("before")
		Memo("m", 1, func() (int, error) { return 0, fmt.Errorf("no data") })
		fmt.Println("not reached")
	},
	"bundle": func() {
		Show(drawn{Caption: "A caption with $x_1$ & a_b", Alt: "a square"})
		Versus("Doc", Row{Item: "error", Document: 1.5, Here: []float64{1, 2}, Data: "d"})
	},
	"slow":     func() { patience = 200 * time.Millisecond; Show("one"); Show("two"); fmt.Println("end") },
	"progress": func() { progressScenario(NewProgress("work", 100)) },
	"live": func() {
		n := 0
		live := NewLiveFigure(func() Drawing { n++; return drawn{Alt: fmt.Sprintf("draw %d", n), Caption: "c"} })
		for range 5 {
			live.Update()
		}
		live.Done()
		live.Done()
		fmt.Println("end")
	},
	"session": func() {
		Setup("Glyphs", "fact")
		current = session{} // as in a later cell
		Versus("Doc", Row{Item: "error", Document: 1.5, Here: 1})
	},
	"child": func() {
		Show("parent")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), scenarioVariable+"=show")
		out, err := cmd.CombinedOutput()
		fmt.Printf("child said %q %v\n", out, err)
		Show("parent again")
	},
	"show":      func() { Show("from the child") },
	"large":     func() { Show(HTML(strings.Repeat("<b>x</b>", 8<<20)), Markdown("small")) },
	"memo":      memoScenario,
	"memos":     memosScenario,
	"interrupt": interruptScenario,
	"train":     trainScenario,
	"explore":   exploreScenario,
	"frames":    framesScenario,
	"slide":     slideScenario,
	"keep": func() {
		Show(explorable{drawn{Alt: "a map", Caption: "Figure 4. Weights, of the first 32 hidden units: red excites."}})
		Show(explorable{drawn{Alt: "a map"}})
	},
}

func progressScenario(p *Progress) {
	for i := range 100 {
		p.Step(i+1, fmt.Sprintf("loss %d", i))
	}
	p.Done()
}

func TestOrder(t *testing.T) {
	var k fakeKernel
	if status := k.run(t, "order"); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, k.transcript())
	}
	got := k.transcript()
	at := 0
	for i := range 50 {
		for _, want := range []string{fmt.Sprintf("text %d ", i), fmt.Sprintf("[figure %d]", i)} {
			next := strings.Index(got[at:], want)
			if next < 0 {
				t.Fatalf("%q is lost or too early", want)
			}
			at += next
		}
	}
	for i := 0; i < 50; i += 3 {
		if strings.Index(got, fmt.Sprintf("log %d\n", i)) > strings.Index(got, fmt.Sprintf("[figure %d]", i)) {
			t.Errorf("log %d stands after figure %d", i, i)
		}
	}
	if !strings.HasSuffix(got, "end\n") {
		t.Errorf("the last text is not last: %q", got[max(0, len(got)-80):])
	}
}

func TestNothingIsLostAtAnEarlyEnd(t *testing.T) {
	for _, c := range []struct {
		scenario string
		status   int
	}{{"exit", 7}, {"panic", 2}} {
		var k fakeKernel
		if status := k.run(t, c.scenario); status != c.status {
			t.Errorf("%s: exit status %d, want %d", c.scenario, status, c.status)
		}
		if !strings.HasPrefix(k.transcript(), "[shown]") {
			t.Errorf("%s: got %q", c.scenario, k.transcript())
		}
	}
}

func TestMemoErrorEndsTheCell(t *testing.T) {
	var k fakeKernel
	status := k.run(t, "fail", "LATERAL_MEMO="+t.TempDir())
	if got, want := k.transcript(), "before\nmemo \"m\": no data\n"; status != 1 || got != want {
		t.Errorf("exit status %d, output %q, want 1 and %q", status, got, want)
	}
}

func TestBundlesReachTheKernel(t *testing.T) {
	var k fakeKernel
	if status := k.run(t, "bundle"); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, k.transcript())
	}
	shown := k.displays()
	if len(shown) != 3 {
		t.Fatalf("%d displays, want picture, caption and table", len(shown))
	}
	picture, caption, table := shown[0].data, shown[1].data, shown[2].data
	if b, ok := picture.Data["image/png"].([]byte); !ok || !bytes.Equal(b, []byte("PNG")) {
		t.Errorf("picture: %v", picture.Data)
	}
	meta, _ := picture.Metadata["image/png"].(map[string]any)
	if meta["width"] != 30 || meta["height"] != 20 || meta["alt"] != "a square" {
		t.Errorf("metadata: %v", picture.Metadata)
	}
	if picture.DisplayID != "" {
		t.Errorf("a picture that is not redrawn has the display id %q", picture.DisplayID)
	}
	if got := caption.Data["text/html"].(string); !strings.Contains(got, "$x_1$ &amp; a_b") {
		t.Errorf("caption as HTML: %s", got)
	}
	if got, want := caption.Data["text/markdown"], `A caption with $x_1$ & a\_b`; got != want {
		t.Errorf("caption as Markdown: %q, want %q", got, want)
	}
	rows := table.Data[VersusMIME].(map[string]any)["rows"].([]any)
	if row := rows[0].(map[string]any); row["here"] != 1.5 || row["seeds"] != 2 || row["data"] != "d" {
		t.Errorf("row: %v", row)
	}
}

func TestKernelThatStopsAnswering(t *testing.T) {
	for name, k := range map[string]*fakeKernel{"deaf": {deaf: true}, "mute": {mute: true}} {
		start := time.Now()
		if status := k.run(t, "slow"); status != 0 {
			t.Errorf("%s: exit status %d", name, status)
		}
		got := k.transcript()
		if !strings.Contains(got, "does not answer") || !strings.Contains(got, "\ntwo\nend\n") {
			t.Errorf("%s: displays are not printed as text: %q", name, got)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestProgramStartedByACellPrintsText(t *testing.T) {
	var k fakeKernel
	k.run(t, "child")
	if got, want := k.transcript(), "[parent]\nchild said \"from the child\\n\" <nil>\n[parent again]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// An output that no browser could show is not sent; a line says so.
func TestOutputThatIsTooLarge(t *testing.T) {
	var k fakeKernel
	k.run(t, "large")
	if got := k.transcript(); got != "[[an output of 75 MB is left out, more than 34 MB: draw less at once, or write it "+
		"to a file]]\n[small]\n" {
		t.Errorf("got %.200q", got)
	}
}

func TestProgressInNotebook(t *testing.T) {
	for _, headless := range []string{"0", "1"} {
		var k fakeKernel
		start := time.Now()
		k.run(t, "progress", "LATERAL_HEADLESS="+headless)
		ran := time.Since(start)
		shown := k.displays()
		id := shown[0].data.DisplayID
		for _, d := range shown {
			if d.data.DisplayID != id || id == "" {
				t.Errorf("display id %q, want %q", d.data.DisplayID, id)
			}
		}
		last := shown[len(shown)-1].text
		if !strings.HasPrefix(last, "work  100/100 in ") || !strings.HasSuffix(last, "  loss 99") {
			t.Errorf("last line %q", last)
		}
		if want := 11; headless == "1" && len(shown) != want { // every tenth, and the final line
			t.Errorf("headless: %d lines, want %d", len(shown), want)
		}
		if most := 3 + int(ran/redrawEvery); headless == "0" && len(shown) > most {
			t.Errorf("%d redraws in %v", len(shown), ran)
		}
	}
}

func TestLiveFigureInNotebook(t *testing.T) {
	for headless, fewest := range map[string]int{"0": 2, "1": 1} {
		var k fakeKernel
		start := time.Now()
		k.run(t, "live", "LATERAL_HEADLESS="+headless)
		most := fewest
		if headless == "0" {
			most += int(time.Since(start) / (500 * time.Millisecond)) // one more each half second, on a slow machine
		}
		got, want := k.transcript(), ""
		draws := strings.Count(got, "[draw ")
		for i := range draws {
			if want += fmt.Sprintf("[draw %d]\n", i+1); i == 0 || i == draws-1 {
				want += "[c]\n" // the caption is there from the first picture
			}
		}
		if want += "end\n"; got != want || draws < fewest || draws > most {
			t.Errorf("headless %s: %q, want %q with %d to %d pictures", headless, got, want, fewest, most)
		}
		ids := map[string]bool{}
		for _, d := range k.displays() {
			ids[d.data.DisplayID] = true
		}
		if len(ids) != 2 || ids[""] {
			t.Errorf("display ids: %v, want one for the picture and one for the caption", ids)
		}
	}
}

func TestSetupNamesTheDataOfLaterCells(t *testing.T) {
	var k fakeKernel
	k.run(t, "session", "LATERAL_PROFILE=quick")
	if got := k.transcript(); !strings.HasPrefix(got, "profile quick · data Glyphs · fact · lateral ") {
		t.Errorf("Setup printed %q", got)
	}
	rows := k.displays()[0].data.Data[VersusMIME].(map[string]any)["rows"].([]any)
	if got := rows[0].(map[string]any)["data"]; got != "Glyphs" {
		t.Errorf("the table names the data %v", got)
	}
}
