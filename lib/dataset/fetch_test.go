// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lateral-ml/lateral/data"
)

// A mirror serves the compressed files of a set and records the requests.
type mirror struct {
	*httptest.Server
	mu     sync.Mutex
	ranges []string // the Range header of each request
}

// newMirror starts a server. handle answers for a file's compressed bytes; http.ServeContent is used if it is nil.
func newMirror(t *testing.T, files map[string][]byte, handle func(w http.ResponseWriter, r *http.Request,
	content []byte)) *mirror {
	t.Helper()
	m := &mirror{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.ranges = append(m.ranges, r.Header.Get("Range"))
		m.mu.Unlock()
		b, ok := files[strings.TrimSuffix(path.Base(r.URL.Path), ".gz")]
		switch {
		case !ok:
			http.NotFound(w, r)
		case handle != nil:
			handle(w, r, gzipped(t, b))
		default:
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(gzipped(t, b)))
		}
	}))
	t.Cleanup(m.Close)
	return m
}

// fails responds with a status.
func fails(status int) func(http.ResponseWriter, *http.Request, []byte) {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(status) }
}

// breaksOff sends half of a file and closes the connection.
func breaksOff(w http.ResponseWriter, _ *http.Request, b []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	w.Write(b[:len(b)/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// holds checks that a directory has all files of a set, undamaged, and nothing else.
func holds(t *testing.T, dir string, set data.Set) {
	t.Helper()
	for _, f := range set.Files {
		if err := Check(filepath.Join(dir, f.Name), f); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(set.Files) {
		t.Errorf("%s holds %v, %v", dir, entries, err)
	}
}

func TestFetchFallsBackToTheNextMirror(t *testing.T) {
	set, files := tiny()
	closed := newMirror(t, files, nil)
	closed.Close()
	wrong := map[string][]byte{}
	for name, b := range files {
		wrong[name] = append([]byte("wrong"), b...)
	}
	set.Mirrors = []string{
		closed.URL + "/",
		newMirror(t, files, fails(http.StatusServiceUnavailable)).URL + "/",
		newMirror(t, files, func(w http.ResponseWriter, _ *http.Request,
			_ []byte) {
			fmt.Fprint(w, "<html>Please log in</html>")
		}).URL + "/",
		newMirror(t, wrong, nil).URL + "/",
		newMirror(t, files, breaksOff).URL + "/",
		newMirror(t, files, nil).URL + "/mnist/",
	}
	dir := t.TempDir()
	var last Progress
	place, err := Fetch(context.Background(), set, dir, func(p Progress) { last = p })
	if err != nil {
		t.Fatal(err)
	}
	holds(t, filepath.Join(dir, "mnist"), set)
	if last.File != "t10k-labels-idx1-ubyte.gz" || last.Done != last.Total || last.Total == 0 ||
		!strings.HasPrefix(last.Host, "127.0.0.1:") {
		t.Errorf("last progress %+v", last)
	}
	if _, _, err := loadMNIST(set, place); err != nil {
		t.Error(err)
	}
}

func TestFetchResumes(t *testing.T) {
	set, files := tiny()
	broken := true
	m := newMirror(t, files, func(w http.ResponseWriter, r *http.Request, b []byte) {
		if broken {
			breaksOff(w, r, b)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	})
	set.Mirrors = []string{m.URL + "/"}
	dir := t.TempDir()
	if _, err := Fetch(context.Background(), set, dir, nil); err == nil ||
		!strings.Contains(err.Error(), "unexpected EOF") {
		t.Fatalf("a broken connection: %v", err)
	}
	part, err := os.ReadFile(filepath.Join(dir, "mnist", "train-images-idx3-ubyte.gz.part"))
	if err != nil || len(part) == 0 {
		t.Fatalf("what had arrived was not kept: %d bytes, %v", len(part), err)
	}
	broken = false
	if _, err := Fetch(context.Background(), set, dir, nil); err != nil {
		t.Fatal(err)
	}
	holds(t, filepath.Join(dir, "mnist"), set)
	if want := fmt.Sprintf("bytes=%d-", len(part)); m.ranges[1] != want {
		t.Errorf("asked for %q, want %q", m.ranges[1], want)
	}
}

// For any content of a .part file, the download must end with the right bytes.
func TestFetchFromAnyPart(t *testing.T) {
	noRanges := func(w http.ResponseWriter, _ *http.Request, b []byte) { w.Write(b) }
	_, files := tiny()
	whole := gzipped(t, files["train-images-idx3-ubyte"])
	for name, c := range map[string]struct {
		part   []byte
		handle func(http.ResponseWriter, *http.Request, []byte)
	}{
		"the server has no ranges": {whole[:10], noRanges},
		"complete":                 {whole, nil},
		"of another file":          {bytes.Repeat([]byte("x"), 10), nil},
		"longer than the file":     {bytes.Repeat([]byte("x"), 1000), nil},
		"longer, no ranges":        {bytes.Repeat([]byte("x"), 1000), noRanges},
	} {
		set, files := tiny()
		set.Mirrors = []string{newMirror(t, files, c.handle).URL + "/"}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "mnist", "train-images-idx3-ubyte.gz.part"), c.part)
		if _, err := Fetch(context.Background(), set, dir, nil); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		holds(t, filepath.Join(dir, "mnist"), set)
	}
}

func TestFetchWithoutANetworkSaysWhatToDo(t *testing.T) {
	set, files := tiny()
	for range 2 {
		m := newMirror(t, files, nil)
		m.Close()
		set.Mirrors = append(set.Mirrors, m.URL+"/")
	}
	dir := t.TempDir()
	_, err := Fetch(context.Background(), set, dir, nil)
	if err == nil {
		t.Fatal("downloaded from nowhere")
	}
	want := []string{"connection refused", "put these files into " + filepath.Join(dir, "mnist"), "$LATERAL_DATA"}
	for _, m := range set.Mirrors {
		want = append(want, m+"train-images-idx3-ubyte.gz")
	}
	for _, f := range set.Files {
		want = append(want, fmt.Sprintf("\n  %s.gz, or %s (%d bytes)", f.Name, f.Name, f.Size))
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error lacks %q:\n%v", w, err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "mnist")); err != nil || len(left) > 0 {
		t.Errorf("files were left: %v, %v", left, err)
	}
}

// A refusal by a proxy is told apart from one by a mirror. A process reads the proxy of its environment once, so the
// download runs in a process of its own.
func TestFetchThroughAProxyThatRefuses(t *testing.T) {
	const variable = "LATERAL_TEST_PROXY"
	if dir := os.Getenv(variable); dir != "" {
		set, _ := tiny()
		set.Mirrors = []string{"https://mirror.example/"}
		_, err := Fetch(context.Background(), set, dir, nil)
		fmt.Println(err)
		return
	}
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Error(w, "not here", http.StatusForbidden)
	}))
	defer proxy.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFetchThroughAProxyThatRefuses$")
	cmd.Env = append(os.Environ(), variable+"="+t.TempDir(), "HTTPS_PROXY="+proxy.URL, "NO_PROXY=")
	out, err := cmd.CombinedOutput()
	if err != nil || asked.Load() == 0 || !strings.Contains(string(out), "Forbidden") ||
		!strings.Contains(string(out), "put these files into") {
		t.Errorf("%v, the proxy was asked %d times: %s", err, asked.Load(), out)
	}
}

func TestFetchRefusesWrongBytes(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(b []byte) []byte
		want  string
	}{
		"other bytes": {func(b []byte) []byte { b[len(b)-1]++; return b }, "is not the original train-images-idx3-ubyte"},
		"too short":   {func(b []byte) []byte { return b[:len(b)-1] }, "is truncated: it ends after 27 of 28 bytes"},
		"too long":    {func(b []byte) []byte { return append(b, 0) }, "is too long: it has more than 28 bytes"},
		"without end": {func(b []byte) []byte { return incompressible(1 << 16) }, "longer than the 28 bytes"},
	} {
		set, files := tiny()
		files["train-images-idx3-ubyte"] = c.spoil(files["train-images-idx3-ubyte"])
		set.Mirrors = []string{newMirror(t, files, nil).URL + "/"}
		dir := t.TempDir()
		if _, err := Fetch(context.Background(), set, dir, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "mnist", "train-images-idx3-ubyte")); err == nil {
			t.Errorf("%s: the file was put into place", name)
		}
	}
}

// incompressible returns bytes without a pattern.
func incompressible(n int) []byte {
	b, state := make([]byte, n), uint32(1)
	for i := range b {
		state = state*1664525 + 1013904223
		b[i] = byte(state >> 24)
	}
	return b
}

func TestFetchReplacesOnlyWhatIsDamaged(t *testing.T) {
	set, files := tiny()
	m := newMirror(t, files, nil)
	set.Mirrors = []string{m.URL + "/"}
	dir := t.TempDir()
	for name, b := range files {
		write(t, filepath.Join(dir, name), b)
	}
	write(t, filepath.Join(dir, "t10k-labels-idx1-ubyte"), []byte("damaged"))
	place, err := Fetch(context.Background(), set, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if place.Dir != dir || len(m.ranges) != 1 {
		t.Errorf("%d downloads into %s, want one into %s", len(m.ranges), place.Dir, dir)
	}
	holds(t, dir, set)
}

func TestFetchLeavesAMirrorThatStalls(t *testing.T) {
	set, files := tiny()
	stop := make(chan struct{})
	slow := newMirror(t, files, func(w http.ResponseWriter, _ *http.Request, b []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:10])
		w.(http.Flusher).Flush()
		<-stop
	})
	defer close(stop)
	set.Mirrors = []string{slow.URL + "/", newMirror(t, files, nil).URL + "/"}
	d := download{client: newClient(), stall: 50 * time.Millisecond, set: set}
	out := filepath.Join(t.TempDir(), set.Files[0].Name)
	if err := d.file(context.Background(), set.Files[0], out); err != nil {
		t.Fatal(err)
	}
	if err := Check(out, set.Files[0]); err != nil {
		t.Error(err)
	}

	d.set.Mirrors = d.set.Mirrors[:1]
	if err := d.file(context.Background(), set.Files[0], out); err == nil ||
		!strings.Contains(err.Error(), "no answer for 50ms") {
		t.Errorf("only the slow mirror: %v", err)
	}
}

func TestFetchIsInterrupted(t *testing.T) {
	set, files := tiny()
	ctx, cancel := context.WithCancel(context.Background())
	set.Mirrors = []string{newMirror(t, files, func(w http.ResponseWriter, r *http.Request, b []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:10])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}).URL + "/"}
	dir := t.TempDir()
	_, err := Fetch(ctx, set, dir, func(Progress) { cancel() })
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "run it again to go on") {
		t.Errorf("got %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "mnist", "train-images-idx3-ubyte.gz.part")); err != nil ||
		info.Size() != 10 {
		t.Errorf("what had arrived was not kept: %v", err)
	}
}

func TestFetchIntoAFile(t *testing.T) {
	set, files := tiny()
	set.Mirrors = []string{newMirror(t, files, nil).URL + "/"}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	if _, err := Fetch(context.Background(), set, file, nil); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}

func TestLines(t *testing.T) {
	var b strings.Builder
	report := Lines(&b)
	p := Progress{Set: "MNIST", File: "train-images-idx3-ubyte.gz", Host: "example.org", Total: 9_912_422}
	for p.Done = 0; p.Done < p.Total; p.Done += 32_000 {
		report(p)
	}
	p.Done = p.Total
	report(p)
	want := "MNIST: train-images-idx3-ubyte.gz: 0.0 of 9.9 MB from example.org\n" +
		"MNIST: train-images-idx3-ubyte.gz: 9.9 of 9.9 MB from example.org\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
