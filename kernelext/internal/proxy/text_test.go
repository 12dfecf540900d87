// SPDX-License-Identifier: Apache-2.0

package proxy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// printed returns what a result has of a stream.
func (r result) printed(stream string) string {
	var b strings.Builder
	for _, said := range r.said {
		if text, ok := strings.CutPrefix(said, stream+" "); ok {
			b.WriteString(text)
		}
	}
	return b.String()
}

// A character arrives whole wherever the system cuts what a program prints, and a byte that belongs to none arrives as
// U+FFFD.
func TestCharactersArriveWhole(t *testing.T) {
	t.Parallel()
	config, _ := real(t)
	f := serve(t, config)
	const head = "import (\"fmt\"; \"os\"; \"strings\"; \"time\")\n" +
		"var (_ = strings.Repeat; _ = os.Args; _ = time.Now)\n%%\n"
	long := strings.Repeat("日本語😀", 20000)
	slowly := `for _, b := range []byte(%q) { os.%s.Write([]byte{b}); time.Sleep(20 * time.Millisecond) }`
	for _, test := range []struct{ code, stream, want string }{
		{head + `fmt.Print(strings.Repeat("░", 10922))`, "stdout", strings.Repeat("░", 10922)},
		{head + `fmt.Print(strings.Repeat("░", 10923))`, "stdout", strings.Repeat("░", 10923)},
		{head + `for n := range 4 { fmt.Print(strings.Repeat(".", n), strings.Repeat("日本語😀", 20000), "\n") }`, "stdout",
			long + "\n." + long + "\n.." + long + "\n..." + long + "\n"},
		{head + `for range 560 { fmt.Println(strings.Repeat("█", 28)) }`, "stdout",
			strings.Repeat(strings.Repeat("█", 28)+"\n", 560)},
		{head + `fmt.Fprint(os.Stderr, strings.Repeat("日", 20000))`, "stderr", strings.Repeat("日", 20000)},
		{head + fmt.Sprintf(slowly, "café 😀", "Stdout"), "stdout", "café 😀"},
		{head + fmt.Sprintf(slowly, "é😀", "Stderr"), "stderr", "é😀"},
		{"!printf 'caf\\303'; sleep 0.2; printf '\\251\\n'; printf '\\351'", "stdout", "café\n\ufffd"},
		{"!head -c 100001 /dev/zero | sed 's/\\x0/é/g'; printf '\\303\\251' >&2", "stdout", strings.Repeat("é", 100001)},
		{"%%bash\nprintf '\\360\\237'; sleep 0.2; printf '\\230\\200'", "stdout", "😀"},
		// One U+FFFD for each byte, as Go's JSON does.
		{head + `fmt.Print("a\xc3b\xe2\x82 \xff\xf0\x9f\x98")`, "stdout",
			"a\ufffdb\ufffd\ufffd \ufffd\ufffd\ufffd\ufffd"},
	} {
		got := f.execute(test.code).printed(test.stream)
		if got != test.want {
			_, program, _ := strings.Cut(test.code, "%%\n")
			t.Errorf("%.80s: %d bytes with %d U+FFFD arrive, want %d with %d: %.40q", program,
				len(got), strings.Count(got, "\ufffd"), len(test.want), strings.Count(test.want, "\ufffd"), got)
		}
	}
}

// A cell ends when its program does, though another that was left behind holds its output open. What that prints later
// still arrives.
func TestProgramsLeftBehind(t *testing.T) {
	t.Parallel()
	config, _ := real(t)
	f := serve(t, config)
	for _, code := range []string{
		"!sleep 8 &",
		"import \"os/exec\"\n%%\nc := exec.Command(\"sleep\", \"8\")\n" +
			"c.Stdout, c.Stderr = os.Stdout, os.Stderr\nfmt.Println(c.Start())",
		"%%bash\nsleep 8 &\necho script",
	} {
		start := time.Now()
		r := f.execute(code)
		if took := time.Since(start); took > 4*time.Second || r.reply.Status != "ok" {
			t.Errorf("%q: %v after %v, %s", code, r.reply.Status, took, r)
		}
	}
	if r := f.execute("!exit 3 & sleep 7 & exit 5"); r.reply.Value != "exit status 5" {
		t.Errorf("the exit status of a program that leaves another behind: %+v", r.reply)
	}
	f.execute("!(sleep 1; echo later; sleep 8) & echo now")
	for describe(f.next(f.iopub)) != "stdout later\n" {
	}
}

// What is no display in GoNB's pipe, such as the output of a program that takes it for a log, costs a cell its displays
// at most.
func TestGarbledPipe(t *testing.T) {
	t.Parallel()
	config, _ := real(t)
	f := serve(t, config)
	f.execute(`import (
	"bytes"
	"encoding/gob"
	"math/rand/v2"
)

type display struct {
	Data      map[string]any
	DisplayID string
}

// garbled is a display of which some bytes are others.
func garbled(seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 0))
	var b bytes.Buffer
	gob.Register(map[string]any{})
	for range 3 {
		gob.NewEncoder(&b).Encode(display{
			map[string]any{"text/html": "x", "gonb/jupyter_input": 3, "gonb/comm_value": "y"}, "a"})
	}
	text := b.Bytes()
	for range seed % 5 {
		text[random.IntN(len(text))] = byte(random.Uint32())
	}
	return text[:len(text)-random.IntN(20)]
}`)
	for seed := range 12 {
		r := f.execute(fmt.Sprintf("%%%%\npipe, _ := os.OpenFile(os.Getenv(\"GONB_PIPE\"), os.O_WRONLY, 0)\n"+
			"pipe.Write(garbled(%d))\npipe.Close()\nfmt.Println(\"done\")", seed))
		if !strings.HasSuffix(r.printed("stdout"), "done\n") || r.reply.Status != "ok" {
			t.Errorf("seed %d: %s", seed, r)
		}
	}
	r := f.execute("%%\nfmt.Println(os.Getppid())")
	if r.reply.Status != "ok" || strings.Contains(r.text(), "started again") {
		t.Errorf("afterwards: %s", r)
	}
}
